import { describe, expect, test } from 'vitest';
import * as packet from '../../../src/links/packet.js';
import { HttpReactor } from './http-reactor.js';

const request = (target: string, ...headers: string[]) =>
  [`GET ${target} HTTP/1.1`, 'Host: a', ...headers, '', ''].join('\r\n');
const ANSWER = 'HTTP/1.1 204 No Content\r\n\r\n';
const opens = (id: string) =>
  `HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n0{"sid":"${id}","upgrades":["websocket"]}`;
const HANDSHAKE = request('/socket.io/?EIO=4&transport=polling');
const polls = (id: string) => request(`/any/path?EIO=4&transport=polling&sid=${id}`);

/** Asks, and has the worker that gets it answer; returns which one that was. */
function ask(reactor: HttpReactor, text: string, answer = ANSWER): number {
  const before = reactor.pieces.length;
  reactor.send(text);
  expect(reactor.pieces).toHaveLength(before + 1);
  reactor.take(reactor.client.sent).answer(answer);
  return reactor.takers.at(-1) as number;
}

describe('by a value in the request', () => {
  test.each([
    ['query', (value: string) => request(`/?a=1&room=${value}`)],
    ['header', (value: string) => request('/', `ROOM: ${value} `)],
    ['cookie', (value: string) => request('/', 'X: y', `cookie: a=1; room=${value}; b=2`)],
  ] as const)(
    'in the %s each value has its worker, and one without a value goes where the client is',
    (mode, of) => {
      const reactor = new HttpReactor({ workers: 4, mode, key: mode === 'header' ? 'Room' : 'room' });
      const values = Array.from({ length: 20 }, (_, index) => `value-${index}`);
      const first = values.map((value) => ask(reactor, of(value)));
      expect(values.map((value) => ask(reactor, of(value)))).toEqual(first);
      expect(new Set(first)).toEqual(new Set([0, 1, 2, 3]));
      const last = reactor.takers.at(-1);
      expect(ask(reactor, request('/?rooms=1&room=', 'rooms: x', 'Cookie: room='))).toBe(last);
      expect(reactor.received).toBe(ANSWER.repeat(41));
    },
  );

  test('the worker that was told of a client, and gets none of its requests, is told to forget it', () => {
    const reactor = new HttpReactor({ workers: 4, mode: 'query', key: 'room' });
    let value = 0;
    while (reactor.takers.length === 0 || reactor.takers.every((taker) => taker === 0)) {
      expect(reactor.notes).toEqual([]);
      if (reactor.takers.length > 0) return;
      reactor.send(request(`/?room=${value++}`));
    }
    expect(reactor.notes).toEqual([packet.FORGET]);
  });

  test('a request that is pipelined waits until what is before it is answered, and is not answered before', () => {
    const reactor = new HttpReactor({ workers: 4, mode: 'query', key: 'room' });
    const workerOf = new Map<number, string>();
    for (let i = 0; workerOf.size < 2; i++) workerOf.set(ask(reactor, request(`/?room=${i}`)), `${i}`);
    const [[one, first], [two, second]] = [...workerOf] as [[number, string], [number, string]];
    const before = reactor.pieces.length;
    const texts = [request(`/?room=${first}`), request(`/?room=${second}`), request(`/?room=${second}`)];
    reactor.send(texts.join(''));
    expect(reactor.takers.slice(before)).toEqual([one]);
    expect(reactor.memory.use.bytes).toBe(texts[1]?.length);
    reactor.take(reactor.client.sent).answer(ANSWER);
    expect(reactor.takers.slice(before)).toEqual([one, two, two]);
    expect(reactor.pieces.slice(before).map(({ text }) => text)).toEqual(texts);
    expect(reactor.pieces.slice(before).map(({ begins, ends }) => begins && ends)).toEqual([
      true,
      true,
      true,
    ]);
    expect(reactor.memory.use.bytes).toBe(0);
  });

  test('a client that goes while its request waits leaves nothing', () => {
    const reactor = new HttpReactor({ workers: 4, mode: 'query', key: 'room' });
    for (let i = 0; i < 20; i++) reactor.send(request(`/?room=${i}`));
    expect(reactor.memory.use.bytes).toBeGreaterThan(0);
    reactor.client.connection.destroy();
    reactor.turn();
    expect([reactor.closed, reactor.memory.use.bytes]).toEqual(['local', 0]);
  });

  test('a worker that has died takes a request that waits for it with it, and the client is told', () => {
    const reactor = new HttpReactor({ workers: 4, mode: 'query', key: 'room' });
    for (let i = 0; i < 20; i++) reactor.send(request(`/?room=${i}`));
    reactor.take(1).die();
    expect(reactor.received).toMatch(/^HTTP\/1\.1 502 /);
    expect(reactor.memory.use.bytes).toBe(0);
  });
});

describe('a session of Socket.IO', () => {
  test('is of the worker that has opened it, by whatever connection it is named', () => {
    const reactor = new HttpReactor({ workers: 4 });
    expect(ask(reactor, HANDSHAKE, opens('lv_VI97HAXpY6yYWAAAB'))).toBe(0);
    expect(reactor.client.handshake).toBe(0);
    reactor.client.moveTo(reactor.workers[2] as never, true);
    expect(ask(reactor, request('/other'))).toBe(2);
    expect(ask(reactor, HANDSHAKE, opens('abcdefghijklmnopAAAC'))).toBe(2);
    for (const [id, worker] of [
      ['lv_VI97HAXpY6yYWAAAB', 0],
      ['abcdefghijklmnopAAAC', 2],
      ['lv_VI97HAXpY6yYWAAAB', 0],
    ] as const)
      expect(ask(reactor, polls(id))).toBe(worker);
    expect(reactor.client.isBound).toBe(true);
  });

  test('is found in an answer by JSONP, and after an interim response', () => {
    const reactor = new HttpReactor({ workers: 2 });
    reactor.send(HANDSHAKE).take(1).answer('HTTP/1.1 103 Early Hints\r\n\r\n', 0);
    reactor.answer(
      'HTTP/1.1 200 OK\r\n\r\n___eio[0]("97:0{\\"sid\\":\\"abcdefghijklmnopAAAD\\",\\"x\\":1}");',
    );
    reactor.client.moveTo(reactor.workers[1] as never, true);
    expect(ask(reactor, polls('abcdefghijklmnopAAAD'))).toBe(0);
  });

  test('that no worker has opened changes nothing, nor does an answer to another request', () => {
    const reactor = new HttpReactor({ workers: 2 });
    expect(ask(reactor, request('/?transport=polling'), opens('abcdefghijklmnopAAAE'))).toBe(0);
    expect(ask(reactor, HANDSHAKE, ANSWER)).toBe(0);
    expect(ask(reactor, request('/?x=1'), opens('abcdefghijklmnopAAAE'))).toBe(0);
    reactor.client.moveTo(reactor.workers[1] as never, true);
    expect(ask(reactor, polls('abcdefghijklmnopAAAE'))).toBe(1);
  });
});

describe('by what workers have to do', () => {
  const load = (reactor: HttpReactor, loads: readonly number[], stuck = -1) => {
    for (const [index, worker] of reactor.workers.entries())
      Object.assign(worker, { underWay: loads[index], isStuck: index === stuck });
  };

  test.each(['idle', 'least-busy'] as const)('%s: the one with the least gets each request', (mode) => {
    const reactor = new HttpReactor({ workers: 3, mode });
    load(reactor, [2, 1, 0]);
    expect(ask(reactor, request('/'))).toBe(2);
    load(reactor, [0, 0, 0]);
    expect(ask(reactor, request('/'))).toBe(2);
    load(reactor, [0, 9, 9], 0);
    expect(ask(reactor, request('/'))).not.toBe(0);
  });

  test('one that is pipelined stays where the one before it is', () => {
    const reactor = new HttpReactor({ workers: 3, mode: 'least-busy' });
    load(reactor, [0, 0, 0]);
    reactor.send(request('/'));
    load(reactor, [1, 0, 0]);
    reactor.send(request('/'));
    expect(reactor.takers).toEqual([0, 0]);
  });

  test('the rest of a body goes where its beginning has gone', () => {
    const reactor = new HttpReactor({ workers: 3, mode: 'least-busy' });
    load(reactor, [1, 0, 1]);
    reactor.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab');
    load(reactor, [0, 5, 0]);
    reactor.send('cd');
    expect(reactor.takers).toEqual([1, 1]);
  });
});

describe('an order to close an idle connection', () => {
  const closes = (reactor: HttpReactor, taken: number) =>
    reactor.tell(packet.CLOSE, packet.pieceAux(taken, packet.CLOSE_IF_LAST)).turn().turn();

  test('closes it', () => {
    const reactor = new HttpReactor();
    ask(reactor, request('/'));
    expect(closes(reactor, 1).closed).toBe('local');
  });

  test('means nothing where a request is on its way, or begun to come, by then', () => {
    const reactor = new HttpReactor();
    ask(reactor, request('/'));
    expect(closes(reactor.send(request('/')), 1).closed).toBeUndefined();
    reactor.take(2).answer(ANSWER).send('GET');
    expect(closes(reactor, 2).closed).toBeUndefined();
  });

  test('means nothing of a worker that has not got its last request', () => {
    const reactor = new HttpReactor({ workers: 2 });
    ask(reactor, request('/'));
    reactor.client.moveTo(reactor.workers[1] as never, true);
    ask(reactor, request('/'));
    expect([...reactor.client.visited]).toEqual([reactor.workers[0]]);
    const order = packet.pieceAux(2, packet.CLOSE_IF_LAST);
    reactor.tell(packet.CLOSE, order, '', reactor.workers[0]?.peer).turn();
    expect([reactor.closed, [...reactor.client.visited]]).toEqual([undefined, []]);
  });
});
