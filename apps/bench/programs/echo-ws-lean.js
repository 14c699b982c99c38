// The echo of echo-ws.js, served by the engine that is lean. MODE and WORKERS are those of the server.
import { createServer as createHttpServer } from 'node:http';
import { createServer } from '@millrace/server';
import { WebSocketServer } from 'ws';
import { listenOptions } from './listen-options.js';

const { MODE, WORKERS } = process.env;
const http = createHttpServer();
const webSockets = new WebSocketServer({ server: http });
webSockets.on('connection', (socket) => {
  socket.on('error', console.error);
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
const server = createServer({
  ...listenOptions,
  mode: MODE,
  workerNum: Number(WORKERS),
  ...(MODE === 'process' && { reactorNum: 1 }),
  logLevel: 'error',
});
server.serve(http, { engine: 'lean' });
await server.start();
