// Drives the official client: reads {baseURL, calls, parallel} as JSON from standard input, makes
// the calls one after the other or all at once, and prints what each came to as a JSON list.
//
// A call is {method, params, file, name, content, client, lose}. `file` is a path, sent as a stream,
// which the client never sends twice, or with `name` as bytes under that name; `content` is text
// instead. `lose: N` throws the first N answers away after the server has given them, as a broken
// network does.
import { Buffer, File } from 'node:buffer';
import fs from 'node:fs';

globalThis.File ??= File; // Node 18 keeps it in a module
const { default: OpenAI, toFile } = await import('openai');

const methods = {
  transcribe: (client, call) => client.audio.transcriptions.create(call),
  translate: (client, call) => client.audio.translations.create(call),
  models: (client) => client.models.list(),
  model: (client, { id }) => client.models.retrieve(id),
};

function lossy(count, seen) {
  return async (url, init) => {
    seen.push(new Headers(init.headers).get('x-stainless-retry-count'));
    const reply = await fetch(url, init);
    if (seen.length > count) return reply;
    await reply.arrayBuffer();
    return new Response('{}', { status: 500, headers: { 'content-type': 'application/json' } });
  };
}

async function upload({ file, content, name }) {
  if (file !== undefined && name === undefined) return fs.createReadStream(file);
  return toFile(content === undefined ? fs.readFileSync(file) : Buffer.from(content), name);
}

async function run(baseURL, call) {
  const seen = [];
  const client = new OpenAI({
    baseURL, apiKey: 'sk-none', maxRetries: 0, fetch: lossy(call.lose ?? 0, seen), ...call.client,
  });
  const params = { ...call.params };
  if (call.file !== undefined || call.content !== undefined) params.file = await upload(call);
  try {
    const { data, response } = await methods[call.method](client, params).withResponse();
    if (params.stream && typeof data !== 'string' && Symbol.asyncIterator in data) {
      const events = [];
      try {
        for await (const event of data) events.push(event);
      } catch (e) {
        return { events, error: e.constructor.name, message: e.message, seen };
      }
      return { events, headers: Object.fromEntries(response.headers), seen };
    }
    const value = call.method === 'models' ? data.data : data;
    return { value, headers: Object.fromEntries(response.headers), seen };
  } catch (e) {
    const { status, code, type, param, message, requestID } = e;
    const headers = Object.fromEntries(e.headers ?? []);
    return { error: e.constructor.name, status, code, type, param, message, requestID, headers, seen };
  }
}

const { baseURL, calls, parallel } = JSON.parse(fs.readFileSync(0, 'utf8'));
const results = [];
if (parallel) results.push(...(await Promise.all(calls.map((call) => run(baseURL, call)))));
else for (const call of calls) results.push(await run(baseURL, call));
console.log(JSON.stringify(results));
