// Follows a job by the WebSocket client that most programs of Node use, as a page does: the token
// as a subprotocol, and a second connection from the cursor of the first.
//   node websocket.mjs ws://HOST:PORT TOKEN JOB_ID
import WebSocket from 'ws';

const [base, token, job] = process.argv.slice(2);

function follow(query, until) {
  return new Promise((resolve, reject) => {
    const heard = [];
    const socket = new WebSocket(`${base}/ws/node${query}`, ['scripta', `bearer.${token}`]);
    socket.on('open', () => socket.send('{"type":"ping"}'));
    socket.on('message', (data, binary) => {
      const event = JSON.parse(data);
      heard.push(binary ? 'binary' : event);
      if (until(event, heard)) socket.close(1000, 'enough');
    });
    socket.on('error', reject);
    socket.on('close', (code, reason) =>
      resolve({ heard, code, reason: String(reason), protocol: socket.protocol, extensions: socket.extensions }));
  });
}

const has = (heard, type) => heard.some((e) => e.type === type);
const first = await follow(`?job_id=${job}`, (event, heard) => has(heard, 'pong') && has(heard, 'job_created'));
const begin = first.heard.find((e) => e.type === 'job_created').id;
const second = await follow(`?job_id=${job}&since=${begin}`, (event) => event.type === 'job_complete');
console.log(JSON.stringify({ first, second }));
