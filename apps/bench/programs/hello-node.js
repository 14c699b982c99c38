import { createServer } from 'node:http';
import { listenOptions } from './listen-options.js';

createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end('Hello World\n');
}).listen(listenOptions);
