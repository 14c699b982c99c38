import fastify from 'fastify';
import { listenOptions } from './listen-options.js';

const app = fastify();
app.get('/', (_request, reply) => {
  reply.type('text/plain').send('Hello World\n');
});
await app.listen(listenOptions);
