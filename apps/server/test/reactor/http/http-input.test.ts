import { describe, expect, test } from 'vitest';
import * as packet from '../../../src/links/packet.js';
import { HttpReactor } from './http-reactor.js';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n';
const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

test('each piece goes to the worker with the number of its request, and whether it begins and ends it', () => {
  const reactor = new HttpReactor()
    .send(`${GET}${POST}0123`)
    .send('45')
    .send(`6789${GET.slice(0, 9)}`);
  expect(reactor.pieces).toEqual([
    { text: GET, request: 1, begins: true, ends: true },
    { text: `${POST}0123`, request: 2, begins: true, ends: false },
    { text: '45', request: 2, begins: false, ends: false },
    { text: '6789', request: 2, begins: false, ends: true },
  ]);
  reactor.send(GET.slice(9));
  expect(reactor.pieces.at(-1)).toEqual({ text: GET, request: 3, begins: true, ends: true });
});

test('empty lines before a request go to no worker', () => {
  expect(new HttpReactor().send('\r\n').send(GET).send('\r\n\r\n').text).toBe(GET);
});

test('the beginning of a head is kept for a quarter of a second, then the worker has its own time-outs', () => {
  const reactor = new HttpReactor().send(GET.slice(0, 9));
  expect(reactor.pieces).toEqual([]);
  const before = performance.now();
  reactor.turnUntil('the beginning at the worker', () => reactor.pieces.length > 0);
  expect(performance.now() - before).toBeGreaterThan(200);
  expect(reactor.pieces).toEqual([{ text: GET.slice(0, 9), request: 1, begins: true, ends: false }]);
  reactor.send(GET.slice(9, 12)).send(GET.slice(12) + GET);
  expect(reactor.pieces.slice(1)).toEqual([
    { text: GET.slice(9, 12), request: 1, begins: false, ends: false },
    { text: GET.slice(12), request: 1, begins: false, ends: true },
    { text: GET, request: 2, begins: true, ends: true },
  ]);
});

test('what a client sent before its end goes before the end, whole or not', () => {
  const whole = new HttpReactor().send(GET).end();
  expect([whole.text, whole.ended]).toEqual([GET, 1]);
  const half = new HttpReactor().send(GET.slice(0, 9)).end();
  expect([half.text, half.ended]).toEqual([GET.slice(0, 9), 1]);
});

test('a client that is not read from when it ends has its beginning delivered before the end, and the end once', () => {
  const reactor = new HttpReactor().send(GET.slice(0, 9)).tell(packet.PAUSE).end();
  expect([reactor.text, reactor.ended]).toEqual(['', 0]);
  reactor.tell(packet.RESUME).turn();
  expect([reactor.text, reactor.ended]).toEqual([GET.slice(0, 9), 1]);
});

describe('what follows a request that may change the protocol waits', () => {
  test('until its answer has ended', () => {
    const reactor = new HttpReactor().send(UPGRADE).send(GET).send(GET);
    expect(reactor.text).toBe(UPGRADE);
    reactor.answer('HTTP/1.1 200 OK\r\n', 0, true);
    expect(reactor.text).toBe(UPGRADE);
    reactor.answer('\r\n').turn();
    expect(reactor.text).toBe(UPGRADE + GET + GET);
    expect(reactor.pieces.map(({ request }) => request)).toEqual([1, 2, 3]);
  });

  test('until it has changed: then it goes uncut, and is no request', () => {
    const reactor = new HttpReactor().send(UPGRADE).send(GET).send('\x81');
    expect(reactor.text).toBe(UPGRADE);
    reactor.tell(packet.UPGRADED).turn();
    reactor.send('\x80');
    expect(reactor.text).toBe(`${UPGRADE}${GET}\x81\x80`);
    expect(
      reactor.pieces.slice(1).every(({ request, begins, ends }) => request === 1 && !begins && !ends),
    ).toBe(true);
  });
});

test('a stream is one request that does not end', () => {
  const reactor = new HttpReactor({ protocol: 'stream' }).send('hello').send(GET);
  expect(reactor.pieces).toEqual([
    { text: 'hello', request: 1, begins: true, ends: false },
    { text: GET, request: 1, begins: false, ends: false },
  ]);
});

test('a large body goes as it comes, and nothing of it is kept', () => {
  const length = 1 << 20;
  const reactor = new HttpReactor().send(`POST / HTTP/1.1\r\nContent-Length: ${length}\r\n\r\n`);
  const part = 'x'.repeat(1 << 14);
  for (let left = length; left > 0; left -= part.length) {
    reactor.send(part);
    expect(reactor.client.connection.inputBytes).toBe(0);
  }
  expect(reactor.pieces.at(-1)?.ends).toBe(true);
  expect(reactor.text.length).toBe(length + reactor.text.indexOf('\r\n\r\n') + 4);
});
