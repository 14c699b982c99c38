/**
 * Answers a `Request` with a `Response`, as programs of Deno, Bun and Hono do: text, JSON, what was sent back as a stream, and events
 * until the client leaves.
 *
 *     node dist/fetch.js 9501
 *     curl http://127.0.0.1:9501/ ; curl --data-binary @FILE http://127.0.0.1:9501/back ; curl http://127.0.0.1:9501/events
 */
import { setInterval } from 'node:timers/promises';
import { createServer } from '@millrace/server';

const server = createServer({ port: Number(process.argv[2] ?? 9501), workerNum: 2 });

async function* events(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let count = 0;
  try {
    for await (const _ of setInterval(100, undefined, { signal })) yield Buffer.from(`data: ${++count}\n\n`);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  console.log(`a client has left after ${count} events`);
}

server.serve(
  {
    fetch(request) {
      const { pathname } = new URL(request.url);
      switch (pathname) {
        case '/':
          return new Response('Hello World\n');
        case '/who':
          return Response.json({ worker: server.workerId, agent: request.headers.get('user-agent') });
        case '/back':
          return new Response(request.body);
        case '/events':
          return new Response(ReadableStream.from(events(request.signal)), {
            headers: { 'Content-Type': 'text/event-stream' },
          });
        default:
          return new Response('There is no such page.\n', { status: 404 });
      }
    },
  },
  { engine: 'lean' },
);
server.on('start', () => console.log(`listening on ${server.addresses[0]?.port}`));
await server.start();
