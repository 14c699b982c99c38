import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { compress } from 'hono/compress';
import { streamSSE } from 'hono/streaming';

const app = new Hono();
const chunk = new Uint8Array(Buffer.alloc(65_536, 'The quick brown fox jumps over the lazy dog. '));

app.use(
  '/static/*',
  serveStatic({
    root: import.meta.dirname,
    rewriteRequestPath: (path) => path.replace('/static', '/public'),
  }),
);
app.use('/compressed', compress());

app.get('/', (c) => c.text('Hello Hono!'));

app.get('/users/:id', (c) => c.json({ user: c.req.param('id'), query: c.req.query() }));

app.post('/echo', async (c) =>
  c.body(await c.req.arrayBuffer(), 200, {
    'Content-Type': c.req.header('content-type') ?? 'application/octet-stream',
  }),
);

app.post('/json', async (c) => c.json(await c.req.json()));

app.post('/digest', async (c) => {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const part of c.req.raw.body ?? []) {
      hash.update(part);
      bytes += part.length;
    }
  } catch {
    console.log(`upload aborted after ${bytes} bytes`);
  }
  return c.json({ bytes, sha256: hash.digest('hex') });
});

app.get('/slow', async (c) => {
  await sleep(20);
  return c.text('at last\n');
});

app.get('/events', (c) =>
  streamSSE(c, async (stream) => {
    for (let id = 1; id <= 3; id++) {
      await stream.writeSSE({ data: 'tick', id: String(id) });
      await stream.sleep(5);
    }
  }),
);

app.get('/large', (c) => {
  let left = 320;
  const body = new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(chunk);
      else controller.close();
    },
  });
  return c.body(body, 200, { 'Content-Type': 'application/octet-stream' });
});

app.get('/compressed', (c) => c.text(new TextDecoder().decode(chunk)));

app.get('/error', () => {
  throw new Error('on purpose');
});

const server = serve(
  { fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: '127.0.0.1' },
  () => {
    console.log(`listening on ${JSON.stringify(server.address())}`);
  },
);
