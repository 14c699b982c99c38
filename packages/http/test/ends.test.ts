import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import { Bench } from './fuzz/connection.js';

const SLOW = 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n';
const NEXT = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';

/** What the program and the client of a server hear where the client sends this and then no more. */
async function heard(pieces: readonly string[], isLean: boolean, refuses?: string): Promise<string[]> {
  const events: string[] = [];
  const answer: RequestListener = (request, response) => {
    const { url } = request;
    events.push(`request ${url}`);
    request.on('error', ({ message }) => events.push(`${url}: ${message}`));
    response.on('close', () => events.push(`${url} is over`));
    if (url === '/begun') response.write('begun');
    else if (url !== '/slow') response.end('answer');
  };
  const bench = new Bench(answer, isLean);
  if (refuses !== undefined)
    bench.server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      events.push(`${error.code}, ${error.message}, writable: ${socket.writable}`);
      if (refuses !== '') socket.end(refuses);
    });
  const client = bench.connect();
  for (const piece of pieces) {
    client.send(Buffer.from(piece));
    await turn();
  }
  client.end();
  for (let i = 0; i < 5; i++) await turn();
  events.push(`sent: ${client.output.replaceAll(/\r\nDate: [^\r]*/g, '')}`, `ended: ${client.isEnded}`);
  client.close();
  await turn();
  return events;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test.each([
  ['half of a request', [SLOW, 'GET /next HTTP/1.1\r\nHo']],
  ['half of a body', [SLOW, 'POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na']],
  ['a request and half of one', [SLOW, `${NEXT}GET /l`]],
  ['a request', [SLOW, NEXT]],
  ['a request and half of one, in many pieces', [SLOW, ...`${NEXT}GET /l`]],
  ['an empty line', [SLOW, '\r\n']],
  ['what is no request', [SLOW, 'GET\0/next']],
  ['half of a request that came with it', [`${SLOW}GET /ne`]],
  ['nothing', [SLOW]],
  ['half of a request, of an answer that has begun', ['GET /begun HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /ne']],
])('an end behind a request without an answer is as of node:http: %s', async (_name, pieces) => {
  for (const refuses of [undefined, 'HTTP/1.1 499 No\r\n\r\n']) {
    const node = await heard(pieces, false, refuses);
    expect(await heard(pieces, true, refuses)).toEqual(node);
  }
});
