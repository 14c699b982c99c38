import { describe, expect, test } from 'vitest';
import * as packet from '../../../src/links/packet.js';
import { HttpReactor } from './http-reactor.js';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const HEAD = GET.replace('GET', 'HEAD');
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n';
const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const ANSWER = 'HTTP/1.1 204 No Content\r\n\r\n';

/** An answer of the reactor thread's own, which says itself how long it is, and nothing else. */
function expectAnswer(text: string, status: number): void {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head).toContain('\r\nConnection: close');
  expect(head).toContain(`\r\nContent-Length: ${body.length}`);
}

describe('at the death of its worker', () => {
  test('a client between two requests notices nothing, and what it sends next goes on', () => {
    const reactor = new HttpReactor().send(GET).take(1).answer(ANSWER).die().send(GET);
    expect([reactor.received, reactor.over, reactor.isClosing]).toEqual([ANSWER, false, false]);
    expect(reactor.pieces.at(-1)).toMatchObject({ request: 2, begins: true });
    expect([reactor.told, reactor.lines]).toEqual([{}, []]);
  });

  test('a request that it had not taken waits for the next one', () => {
    const reactor = new HttpReactor().send(GET).take(1).answer(ANSWER).send(POST).die().send('0123456789');
    expect([reactor.received, reactor.over]).toEqual([ANSWER, false]);
    expect(reactor.text).toBe(`${GET}${POST}0123456789`);
  });

  test('a request in hand is answered 502, in the table first, behind the answers that were whole', () => {
    const reactor = new HttpReactor()
      .send(GET + GET + GET)
      .take(2)
      .answer(ANSWER)
      .die();
    expect(reactor.isClosing).toBe(true);
    expect(reactor.received.startsWith(ANSWER)).toBe(true);
    expectAnswer(reactor.received.slice(ANSWER.length), 502);
    expect([reactor.over, reactor.closed]).toEqual([true, undefined]);
    expect(reactor.told).toEqual({ ENDED_502: 1 });
    expect(reactor.lines).toEqual(['Worker 0 died: 1 requests in hand were answered 502']);
    // The client's own end is the end of it.
    reactor.end();
    expect(reactor.closed).toBe('peer');
  });

  test('what its client still sends is dropped: the rest of a body is never a request', () => {
    const reactor = new HttpReactor().send(`${POST}0123`).take(1, true).die();
    expectAnswer(reactor.received, 502);
    const before = reactor.text;
    reactor.send('456789').send(GET).send(GET.slice(0, 9));
    expect(reactor.text).toBe(before);
    expect(reactor.client.connection.inputBytes).toBe(0);
    reactor.end();
    expect([reactor.ended, reactor.closed]).toEqual([0, 'peer']);
  });

  test('what was kept for its worker is dropped as well', () => {
    const reactor = new HttpReactor()
      .send(GET)
      .take(1)
      .tell(packet.PAUSE)
      .send(GET + GET)
      .die();
    expectAnswer(reactor.received, 502);
    expect(reactor.text).toBe(GET);
    expect(reactor.client.connection.inputBytes).toBe(0);
  });

  test('HEAD is answered without a body', () => {
    const reactor = new HttpReactor()
      .send(GET + HEAD)
      .take(2)
      .answer(ANSWER)
      .die();
    expect(reactor.received.slice(ANSWER.length)).toMatch(/^HTTP\/1\.1 502 [\s\S]*\r\n\r\n$/);
  });

  test('100 Continue is no answer', () => {
    const reactor = new HttpReactor()
      .send(POST)
      .take(1, true)
      .answer('HTTP/1.1 100 Continue\r\n\r\n', 0)
      .die();
    expectAnswer(reactor.received.slice('HTTP/1.1 100 Continue\r\n\r\n'.length), 502);
  });

  test('an answer that has begun is broken off', () => {
    const reactor = new HttpReactor()
      .send(GET + GET)
      .take(2)
      .answer('HTTP/1.1 200 OK\r\n\r\n', 1, true)
      .die();
    expect([reactor.received, reactor.closed]).toEqual(['HTTP/1.1 200 OK\r\n\r\n', 'local']);
    expect(reactor.told).toEqual({ ENDED_BY_RESET: 1 });
  });

  describe('a request that was answered before it was read to the end', () => {
    const dying = (post = POST) => new HttpReactor().send(`${post}0123`).take(1, true).answer(ANSWER).die();

    test('has its rest dropped, and the next one goes on', () => {
      const reactor = dying().send('45').send(`6789${GET}`);
      expect([reactor.received, reactor.over, reactor.told]).toEqual([ANSWER, false, {}]);
      expect(reactor.text).toBe(`${POST}0123${GET}`);
      expect(reactor.pieces.at(-1)).toMatchObject({ request: 2, begins: true, ends: true });
    });

    test('notices a second death as little', () => {
      const reactor = dying().send('45').die().send('6789').send(GET).take(2).answer(ANSWER).die().send(GET);
      expect([reactor.received, reactor.over, reactor.told]).toEqual([ANSWER + ANSWER, false, {}]);
      expect(reactor.text).toBe(`${POST}0123${GET}${GET}`);
    });

    test('ends its connection where nothing says how long the rest is', () => {
      const chunked = POST.replace('Content-Length: 10', 'Transfer-Encoding: chunked').concat('a\r\n');
      const reactor = dying(chunked).send('456789X\r\n').send(GET);
      expect([reactor.received, reactor.over, reactor.told]).toEqual([ANSWER, true, { ENDED_BY_CLOSE: 1 }]);
      expect(reactor.text).toBe(`${chunked}0123`);
    });
  });

  test('a connection whose worker had ended its answers is closed behind them', () => {
    const reactor = new HttpReactor().send(GET).take(1).answer(ANSWER).tell(packet.END_OUTPUT).die();
    expect([reactor.received, reactor.over, reactor.told]).toEqual([ANSWER, true, { ENDED_BY_CLOSE: 1 }]);
  });

  test('a WebSocket between two frames is told 1012, one in a frame is broken off', () => {
    const frame = '\x81\x02hi';
    const upgraded = () => new HttpReactor().send(UPGRADE).take(1).tell(packet.UPGRADED);
    const whole = upgraded().answer('HTTP/1.1 101 \r\n\r\n').answer(frame).die();
    expect(whole.received).toBe(`HTTP/1.1 101 \r\n\r\n${frame}\x88\x02\x03\xf4`);
    expect([whole.over, whole.told]).toEqual([true, { ENDED_BY_RESTART: 1 }]);
    const half = upgraded().answer('HTTP/1.1 101 \r\n\r\n').answer('\x81\x05he', 0, true).die();
    expect([half.received, half.closed]).toEqual(['HTTP/1.1 101 \r\n\r\n\x81\x05he', 'local']);
    expect(half.told).toEqual({ ENDED_BY_RESET: 1 });
  });

  test('a stream that a program has seen is broken off', () => {
    const unseen = new HttpReactor({ protocol: 'stream' }).send('hello').die();
    expect([unseen.closed, unseen.told]).toEqual([undefined, {}]);
    const reactor = new HttpReactor({ protocol: 'stream' }).send('hello').take(1, true).die();
    expect([reactor.closed, reactor.told]).toEqual(['local', { ENDED_BY_RESET: 1 }]);
  });

  test('a client that it had asked not to read from is read from again', () => {
    const reactor = new HttpReactor().tell(packet.PAUSE).send(GET);
    expect(reactor.text).toBe('');
    expect(reactor.die().turn().text).toBe(GET);
  });

  test('a client that is being closed is told nothing more', () => {
    const reactor = new HttpReactor().send(GET).take(1).tell(packet.CLOSE).die();
    expect([reactor.received, reactor.told]).toEqual(['', {}]);
  });

  test('a client that it claims more of than there was is closed, and others are not asked about', () => {
    const reactor = new HttpReactor().send(GET).take(7).die();
    expect([reactor.received, reactor.closed]).toEqual(['', 'local']);
  });
});

describe('as long as no process takes its requests', () => {
  test('what waits is answered 503 after maxWaitTime, and what comes then soon; who asks nothing notices nothing', () => {
    const waiting = new HttpReactor({ maxWaitTime: 50 }).send(GET).take(1).answer(ANSWER).send(GET).die();
    expect([waiting.received, waiting.over]).toEqual([ANSWER, false]);
    waiting.turnUntil('the end', () => waiting.over);
    expectAnswer(waiting.received.slice(ANSWER.length), 503);
    expect(waiting.received).toContain('\r\nRetry-After: ');
    expect([waiting.told, waiting.isClosing]).toEqual([{ ENDED_503: 1 }, true]);
    expect(waiting.lines).toEqual([
      'Worker 0 is away for longer than maxWaitTime: 1 requests that waited were answered 503',
    ]);

    const idle = new HttpReactor({ maxWaitTime: 50 }).send(GET).take(1).answer(ANSWER).die();
    const until = performance.now() + 200;
    idle.turnUntil('more than maxWaitTime', () => performance.now() > until);
    expect([idle.received, idle.over]).toEqual([ANSWER, false]);
    idle.send(GET);
    idle.turnUntil('the end', () => idle.over);
    expectAnswer(idle.received.slice(ANSWER.length), 503);
  });

  test('a head that is not whole is something that waits', () => {
    const reactor = new HttpReactor({ maxWaitTime: 50 }).send(GET.slice(0, 9)).die();
    reactor.turnUntil('the end', () => reactor.over);
    expectAnswer(reactor.received, 503);
  });

  test('once a process takes them, none waits too long', () => {
    const reactor = new HttpReactor({ maxWaitTime: 50 }).send(GET).die();
    reactor.deaths.isBack(reactor.worker);
    expect(reactor.deaths.someAway).toBe(false);
    const until = performance.now() + 200;
    reactor.turnUntil('more than maxWaitTime', () => performance.now() > until);
    expect([reactor.received, reactor.over]).toEqual(['', false]);
  });
});

test('a request that no process has is answered 502 when the next one says so', () => {
  const reactor = new HttpReactor().send(GET).die().tell(packet.LOST).turn();
  expectAnswer(reactor.received, 502);
  expect(reactor.told).toEqual({ ENDED_502: 1 });
  const answered = reactor.received;
  expect(reactor.tell(packet.LOST).turn().received).toBe(answered);
});

test('of requests no more are answered than were sent, whatever the worker says', () => {
  const reactor = new HttpReactor().send(GET).take(1).answer(ANSWER, 1_000_000);
  expect(reactor.client.answered).toBe(1);
  reactor.send(GET).take(2).die();
  expectAnswer(reactor.received.slice(ANSWER.length), 502);
});
