import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';

const fastify = Fastify({ bodyLimit: 33_554_432 });
const chunk = Buffer.alloc(65_536, 'The quick brown fox jumps over the lazy dog. ');

fastify.get('/', async () => ({ hello: 'world' }));

fastify.get('/users/:id', async (request) => ({
  user: request.params.id,
  query: request.query,
  ip: request.ip,
}));

// The body of any other type is handed over as a stream.
fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

fastify.post('/echo', async (request, reply) => {
  reply.type(request.headers['content-type'] ?? 'application/octet-stream');
  return request.body ?? '';
});

fastify.post('/json', async (request) => request.body);

fastify.post('/digest', async (request, reply) => {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const part of request.body ?? []) {
      hash.update(part);
      bytes += part.length;
    }
  } catch {
    console.log(`upload aborted after ${bytes} bytes`);
    return reply.hijack();
  }
  return { bytes, sha256: hash.digest('hex') };
});

fastify.get('/slow', async () => {
  await sleep(20);
  return 'at last\n';
});

fastify.get('/events', (_request, reply) => {
  reply.header('Content-Type', 'text/event-stream').header('Cache-Control', 'no-cache');
  async function* events() {
    for (let id = 1; id <= 3; id++) {
      yield `id: ${id}\ndata: tick\n\n`;
      await sleep(5);
    }
  }
  return reply.send(Readable.from(events()));
});

fastify.get('/large', (_request, reply) => {
  reply.type('application/octet-stream');
  return reply.send(Readable.from(Array.from({ length: 320 }, () => chunk)));
});

fastify.get('/error', async () => {
  throw new Error('on purpose');
});

await fastify.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' });
console.log(`listening on ${JSON.stringify(fastify.server.address())}`);
