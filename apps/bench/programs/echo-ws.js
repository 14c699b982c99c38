import { WebSocketServer } from 'ws';
import { listenOptions } from './listen-options.js';

const server = new WebSocketServer(listenOptions);
server.on('connection', (socket) => {
  socket.on('error', console.error);
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
