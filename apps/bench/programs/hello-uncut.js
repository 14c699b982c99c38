import { createServer } from 'node:http';
import net from 'node:net';
import { listenOptions } from './listen-options.js';

const http = createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end('Hello World\n');
});
// Bytes to what starts it, so that nothing in front of the program looks for the ends of requests.
net.createServer((socket) => http.emit('connection', socket)).listen(listenOptions);
