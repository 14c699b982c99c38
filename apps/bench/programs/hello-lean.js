import { serveLean } from './lean.js';

await serveLean((_request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end('Hello World\n');
});
