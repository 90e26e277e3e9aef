import fs from 'node:fs';
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: process.env.OPENAI_BASE_URL ?? 'http://127.0.0.1:8000/v1',
  apiKey: process.env.OPENAI_API_KEY ?? 'not needed on this machine',
});
const file = fs.createReadStream(process.argv[2]);
const { text } = await client.audio.transcriptions.create({ file, model: 'whisper-1' });
console.log(text);
