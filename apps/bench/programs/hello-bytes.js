// The bytes of an answer to hello, sent by a handler of messages that knows nothing of HTTP: what the sockets of a program leave to the
// engine and the framework above them. MODE and WORKERS are those of the server.
import { createServer } from '@millrace/server';

const { PORT, HOST, MODE, WORKERS } = process.env;
const answer = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Sat, 28 Nov 2026 12:00:00 GMT\r\nConnection: keep-alive\r\n' +
    'Keep-Alive: timeout=75\r\nContent-Length: 12\r\n\r\nHello World\n',
);
const server = createServer({
  port: Number(PORT),
  host: HOST,
  backlog: 4096,
  mode: MODE,
  workerNum: Number(WORKERS),
  ...(MODE === 'process' && { reactorNum: 1 }),
  framing: { kind: 'eof', delimiter: '\r\n\r\n' },
  logLevel: 'error',
});
server.on('receive', (session) => session.send(answer));
await server.start();
