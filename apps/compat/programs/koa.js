import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import Koa from 'koa';

const app = new Koa();
const chunk = Buffer.alloc(65_536, 'The quick brown fox jumps over the lazy dog. ');

app.silent = true;

// x-response-time, without the time
app.use(async (ctx, next) => {
  await next();
  ctx.set('X-Response', 'measured');
});

app.use(async (ctx) => {
  if (ctx.path === '/') {
    ctx.body = 'Hello World';
  } else if (ctx.path.startsWith('/users/')) {
    ctx.body = { user: ctx.path.slice('/users/'.length), query: ctx.query, ip: ctx.ip };
  } else if (ctx.path === '/echo') {
    if (ctx.method !== 'POST') ctx.throw(405);
    ctx.type = ctx.get('content-type') || 'application/octet-stream';
    ctx.body = ctx.req.pipe(new PassThrough());
  } else if (ctx.path === '/digest') {
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for await (const part of ctx.req) {
        hash.update(part);
        bytes += part.length;
      }
    } catch {
      console.log(`upload aborted after ${bytes} bytes`);
    }
    ctx.body = { bytes, sha256: hash.digest('hex') };
  } else if (ctx.path === '/slow') {
    await sleep(20);
    ctx.body = 'at last\n';
  } else if (ctx.path === '/events') {
    ctx.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    const events = new PassThrough();
    ctx.body = events;
    (async () => {
      for (let id = 1; id <= 3; id++) {
        events.write(`id: ${id}\ndata: tick\n\n`);
        await sleep(5);
      }
      events.end();
    })();
  } else if (ctx.path === '/large') {
    ctx.type = 'application/octet-stream';
    ctx.body = Readable.from(Array.from({ length: 320 }, () => chunk));
  } else if (ctx.path === '/error') {
    throw new Error('on purpose');
  }
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});
