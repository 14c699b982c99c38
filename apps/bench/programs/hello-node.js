import { createServer } from 'node:http';

const LARGE = 100 * 1024 * 1024;
let large;

createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  if (request.url !== '/large') return response.end('Hello World\n');
  large ??= Buffer.alloc(LARGE, 'x');
  response.end(large);
}).listen(Number(process.env.PORT), process.env.HOST);
