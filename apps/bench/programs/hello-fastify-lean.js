import { createServer } from 'node:http';
import fastify from 'fastify';
import { serveLean } from './lean.js';

let handler;
const app = fastify({
  serverFactory: (handle) => {
    handler = handle;
    return createServer(handle);
  },
});
app.get('/', (_request, reply) => {
  reply.type('text/plain').send('Hello World\n');
});
await app.ready();
await serveLean(handler);
