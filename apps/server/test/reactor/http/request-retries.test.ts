import { describe, expect, test } from 'vitest';
import * as packet from '../../../src/links/packet.js';
import { MAX_KEPT_REQUESTS } from '../../../src/reactor/http/kept-requests.js';
import { GIVEN_UP, RETRIED } from '../../../src/shared/counters-layout.js';
import { HttpReactor } from './http-reactor.js';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789';
const put = (length: number) => {
  const head = (bytes: number) => `PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`;
  return head(length) + 'x'.repeat(length);
};
const ANSWER = 'HTTP/1.1 204 No Content\r\n\r\n';

const started = (options = {}) => new HttpReactor({ retry: true, workers: 3, ...options });

test('a request in hand is given to another worker, under the next number, and its answer is the only one', () => {
  const reactor = started().send(GET).take(1).die();
  expect(reactor.pieces).toEqual([
    { text: GET, request: 1, begins: true, ends: true },
    { text: GET, request: 2, begins: true, ends: true },
  ]);
  expect(reactor.takers).toEqual([0, 1]);
  reactor.take(2).answer(ANSWER);
  expect([reactor.received, reactor.over, reactor.told]).toEqual([ANSWER, false, {}]);
  expect([reactor.counts.get(RETRIED), reactor.memory.use.bytes]).toEqual([1, 0]);
  expect(reactor.lines).toEqual(['Worker 0 died: 1 requests in hand were given to another worker']);
  reactor.send(GET);
  expect(reactor.pieces.at(-1)).toMatchObject({ request: 3, begins: true });
  expect(reactor.takers.at(-1)).toBe(1);
});

test('what the dead worker has not read is older than that, so the next process drops it', () => {
  const reactor = started({ workers: 1 })
    .send(GET + GET)
    .take(1)
    .die();
  expect(reactor.pieces.map(({ request }) => request)).toEqual([1, 2, 3, 4]);
  expect(reactor.table.progress(1)).toBe(2);
  reactor.take(3).answer(ANSWER).take(4).answer(ANSWER);
  expect([reactor.received, reactor.told]).toEqual([ANSWER + ANSWER, {}]);
});

test('of several that were pipelined those without an answer are sent again, in their order', () => {
  const HEAD = GET.replace('GET', 'HEAD');
  const reactor = started()
    .send(GET + HEAD + GET)
    .take(2)
    .answer(ANSWER)
    .die();
  expect(reactor.pieces.slice(3)).toEqual([
    { text: HEAD, request: 4, begins: true, ends: true },
    { text: GET, request: 5, begins: true, ends: true },
  ]);
  // That it is HEAD is known by the new number.
  expect(reactor.take(4).die().received.slice(ANSWER.length)).toMatch(/^HTTP\/1\.1 502 [\s\S]*\r\n\r\n$/);
});

describe('is answered 502, and sent to no other worker', () => {
  const refused = (reactor: HttpReactor) => {
    const before = reactor.pieces.length;
    reactor.die();
    expect(reactor.pieces).toHaveLength(before);
    expect(reactor.told).toEqual({ ENDED_502: 1 });
    expect(reactor.memory.use.bytes).toBe(0);
    return reactor;
  };

  test('what is not to be repeated', () => {
    refused(started().send(POST).take(1));
    refused(started().send(GET.replace('GET', 'PATCH')).take(1));
  });

  test('what is pipelined with that', () => {
    refused(
      started()
        .send(GET + POST)
        .take(1),
    );
    refused(
      started()
        .send(POST + GET)
        .take(2),
    );
  });

  test('what has not come whole', () => {
    refused(started().send(put(100).slice(0, 90)).take(1, true));
  });

  test('what is larger than is kept', () => {
    const room = MAX_KEPT_REQUESTS - put(10_000).length + 10_000;
    expect(started().send(put(room)).take(1).die().told).toEqual({});
    refused(
      started()
        .send(put(room + 1))
        .take(1),
    );
  });

  test('what something has been sent of, if only 100 Continue', () => {
    const reactor = started().send(put(10)).take(1).answer('HTTP/1.1 100 Continue\r\n\r\n', 0);
    refused(reactor);
  });

  test('what may change the protocol', () => {
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    refused(started().send(upgrade).take(1));
  });

  test('what the memory of all clients has no room for', () => {
    const reactor = started();
    reactor.memory.hasRoom = false;
    refused(reactor.send(GET).take(1));
  });

  test('what has ended two workers, and the log names it without its query', () => {
    const target = '/poison?token=secret';
    const reactor = started().send(GET.replace('/', target)).take(1).die().take(2);
    refused(reactor);
    expect(reactor.takers).toEqual([0, 1]);
    expect(reactor.counts.get(GIVEN_UP)).toBe(1);
    expect(reactor.lines[1]).toContain('GET /poison, of session 1 ');
    expect(reactor.lines.join('\n')).not.toContain('secret');
  });
});

test('an answer that has begun is broken off', () => {
  const reactor = started().send(GET).take(1).answer('HTTP/1.1 200 OK\r\n\r\n', 0, true).die();
  expect([reactor.closed, reactor.told]).toEqual(['local', { ENDED_BY_RESET: 1 }]);
});

test('what no worker had taken when two of them died is not held against it', () => {
  const reactor = started({ workers: 1 }).send(GET).die().die().take(1).die();
  expect(reactor.told).toEqual({});
  expect(reactor.counts.get(RETRIED)).toBe(1);
});

test('the end of a client that has ended goes to the worker that has its request by then', () => {
  const reactor = started().send(GET).take(1);
  reactor.client.asks(reactor.worker);
  reactor.die();
  expect(reactor.notes).toEqual([packet.END]);
  expect(reactor.client.awaits(reactor.workers[1] as never)).toBe(true);
});

test('where what a worker remembers binds its client, the next process of the same place gets the request', () => {
  const reactor = started().send(GET).take(1);
  reactor.client.isBound = true;
  reactor.die();
  expect(reactor.takers).toEqual([0, 0]);
});
