// Drives the official tus client: reads {endpoint, file, metadata, chunkSize, headers} as JSON from
// standard input, sends the file, and prints what came of it, and what was answered on the way, as
// JSON.
import fs from 'node:fs';
import tus from 'tus-js-client';

const order = JSON.parse(fs.readFileSync(0, 'utf8'));
const answers = [];
const tell = (outcome) => console.log(JSON.stringify({ ...outcome, answers }));

new tus.Upload(fs.createReadStream(order.file), {
  endpoint: order.endpoint,
  uploadSize: fs.statSync(order.file).size,
  chunkSize: order.chunkSize ?? Infinity,
  headers: order.headers ?? {},
  retryDelays: Array(100).fill(50),
  metadata: order.metadata ?? {},
  onAfterResponse: (request, response) => {
    answers.push([request.getMethod(), response.getStatus(), response.getHeader('Upload-Offset')]);
  },
  onError: (error) => tell({
    error: error.message,
    status: error.originalResponse?.getStatus(),
    body: error.originalResponse?.getBody(),
  }),
  onSuccess: ({ lastResponse }) => tell({
    file: lastResponse.getHeader('Scripta-File-Id'),
    job: lastResponse.getHeader('Scripta-Job-Id'),
  }),
}).start();
