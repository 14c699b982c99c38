import { closeSync, openSync } from 'node:fs';
import { check, createSocketPair, encodeInetAddress, SOCK_STREAM, syscalls } from '@millrace/native/syscalls';
import { Listener, Reactor } from '@millrace/reactor';
import { describe, expect, onTestFinished, test } from 'vitest';
import { received, streamPair, turnUntil } from './support.js';

function blocking(options: { writeLimit?: number } = {}): Reactor {
  const reactor = new Reactor({ mode: 'blocking', ...options });
  onTestFinished(() => reactor.close());
  return reactor;
}

function closeAll(descriptors: number[]): void {
  for (const fd of descriptors) syscalls.close(fd);
}

const code = (expected: string) => expect.objectContaining({ code: expected });

test('G08 the interest and the callbacks of a connecting socket change without adding it again', () => {
  const reactor = blocking();
  const listener = new Listener({ host: '127.0.0.1', port: 0 });
  listener.start(reactor, {
    onAccept: (fd) => {
      reactor.add(fd, {
        onRead: () => {
          const text = received(fd);
          if (text === '') {
            reactor.remove(fd);
            syscalls.close(fd);
          } else reactor.write(fd, text);
        },
      });
      listener.close();
    },
  });
  const { bytes, length } = encodeInetAddress(listener.address);
  const fd = check(syscalls.socket(2, SOCK_STREAM, 0), 'socket');
  expect(syscalls.connect(fd, bytes, length)).toBeLessThanOrEqual(0);
  const calls: string[] = [];
  let trips = 0;
  reactor.add(fd, {
    onWrite: () => {
      calls.push('connected');
      const ask = () => {
        expect(reactor.write(fd, `trip ${trips}`)).toBe(true);
        reactor.set(fd, { read: true, write: false });
      };
      reactor.set(fd, {
        onRead: () => {
          expect(received(fd)).toBe(`trip ${trips}`);
          calls.push('answer');
          if (++trips < 11) return reactor.set(fd, { read: true, write: true });
          reactor.remove(fd);
          syscalls.close(fd);
        },
        onWrite: ask,
        write: false,
      });
      ask();
    },
  });
  expect(reactor.has(fd, 'write')).toBe(true);
  expect(reactor.has(fd, 'read')).toBe(false);
  reactor.run();
  expect(calls).toEqual(['connected', ...Array<string>(11).fill('answer')]);
});

describe('add, set, remove and has', () => {
  test('adding twice, setting or referring to what is not watched, and a missing callback are errors', () => {
    const reactor = blocking();
    const [fd] = streamPair();
    expect(() => reactor.add(fd, { read: true })).toThrow(code('ERR_MILLRACE_NO_CALLBACK'));
    expect(reactor.has(fd)).toBe(false);
    expect(() => reactor.set(fd, {})).toThrow(code('ERR_MILLRACE_NOT_WATCHED'));
    expect(() => reactor.ref(fd)).toThrow(code('ERR_MILLRACE_NOT_WATCHED'));
    reactor.add(fd, { onRead: () => {} });
    expect(() => reactor.add(fd, { onRead: () => {} })).toThrow(code('ERR_MILLRACE_WATCHED'));
    expect(() => reactor.set(fd, { write: true })).toThrow(code('ERR_MILLRACE_NO_CALLBACK'));
    expect(reactor.has(fd, 'write')).toBe(false);
    expect(reactor.remove(fd)).toBe(true);
    expect(reactor.remove(fd)).toBe(false);
  });

  test('a regular file cannot be watched, and the error says which descriptor', () => {
    const reactor = blocking();
    const fd = openSync(import.meta.filename, 'r');
    onTestFinished(() => closeSync(fd));
    expect(() => reactor.add(fd, { onRead: () => {} })).toThrow(
      expect.objectContaining({ errnoName: 'EPERM', object: `descriptor ${fd}` }),
    );
    expect(reactor.has(fd)).toBe(false);
  });

  test('a descriptor is made non-blocking', () => {
    const reactor = blocking();
    const [fd] = streamPair();
    syscalls.setNonBlocking(fd, 0);
    reactor.add(fd, { onRead: () => {} });
    expect(syscalls.read(fd, Buffer.alloc(1), 0, 1)).toBe(-11);
  });

  test('a descriptor that was closed elsewhere can still be removed, and its number be used again', () => {
    const reactor = blocking();
    const [fd, peer] = createSocketPair(SOCK_STREAM);
    reactor.add(fd, { onRead: () => expect.unreachable() });
    syscalls.close(fd);
    expect(reactor.remove(fd)).toBe(true);
    const [again, other] = createSocketPair(SOCK_STREAM);
    onTestFinished(() => closeAll([again, other, peer]));
    expect(again).toBe(fd);
    let reads = 0;
    reactor.add(again, { onRead: () => reads++ });
    syscalls.send(other, Buffer.from('x'), 0, 1);
    reactor.turn();
    expect(reads).toBe(1);
  });

  test('an event that was fetched for a descriptor which a callback then removed is dropped', () => {
    const reactor = blocking();
    const pairs = [streamPair(), streamPair()];
    const called: number[] = [];
    for (const [fd, peer] of pairs) {
      reactor.add(fd, {
        onRead: (own) => {
          called.push(own);
          for (const [each] of pairs) reactor.remove(each);
        },
      });
      syscalls.send(peer, Buffer.from('x'), 0, 1);
    }
    reactor.turn();
    expect(called).toHaveLength(1);
  });

  test('a fetched event does not reach the successor of its descriptor', () => {
    const reactor = blocking();
    const pairs = [createSocketPair(SOCK_STREAM), createSocketPair(SOCK_STREAM)];
    onTestFinished(() => closeAll(pairs.flat()));
    let first: number | undefined;
    for (const [fd, peer] of pairs) {
      reactor.add(fd, {
        onRead: (own) => {
          expect(first).toBeUndefined();
          first = own;
          const other = pairs.find(([each]) => each !== own) as [number, number];
          reactor.remove(own);
          reactor.remove(other[0]);
          // The number of the other, whose event has been fetched already, goes to a new pair.
          syscalls.close(other[0]);
          const [successor, far] = createSocketPair(SOCK_STREAM);
          expect(successor).toBe(other[0]);
          syscalls.close(other[1]);
          pairs[pairs.indexOf(other)] = [successor, far];
          reactor.add(successor, { onRead: () => expect.unreachable('an event of its predecessor') });
        },
      });
      syscalls.send(peer, Buffer.from('x'), 0, 1);
    }
    reactor.turn();
    expect(first).toBeDefined();
    reactor.turn(0);
  });

  test('removal in the read callback keeps the write callback of the same event from running', () => {
    const reactor = blocking();
    const [fd, peer] = streamPair();
    syscalls.send(peer, Buffer.from('x'), 0, 1);
    reactor.add(fd, { onRead: () => reactor.remove(fd), onWrite: () => expect.unreachable() });
    reactor.turn();
  });

  test('the error callback runs only where neither reading nor writing was watched for', () => {
    const reactor = blocking();
    const [fd, peer] = createSocketPair(SOCK_STREAM);
    onTestFinished(() => void syscalls.close(fd));
    const calls: string[] = [];
    reactor.add(fd, { onRead: () => calls.push('read'), onError: () => calls.push('error') });
    syscalls.close(peer);
    reactor.turn();
    reactor.set(fd, { read: false });
    reactor.turn();
    expect(calls).toEqual(['read', 'error']);
  });
});

describe('triggers', () => {
  test('level: reported in each turn as long as it is ready', () => {
    const reactor = blocking();
    const [fd, peer] = streamPair();
    let reads = 0;
    reactor.add(fd, { onRead: () => reads++ });
    syscalls.send(peer, Buffer.from('x'), 0, 1);
    for (let i = 0; i < 3; i++) reactor.turn(0);
    expect(reads).toBe(3);
  });

  test('edge: reported when it becomes ready', () => {
    const reactor = blocking();
    const [fd, peer] = streamPair();
    let reads = 0;
    reactor.add(fd, { onRead: () => reads++, trigger: 'edge' });
    syscalls.send(peer, Buffer.from('x'), 0, 1);
    for (let i = 0; i < 3; i++) reactor.turn(0);
    expect(reads).toBe(1);
    syscalls.send(peer, Buffer.from('y'), 0, 1);
    reactor.turn(0);
    expect(reads).toBe(2);
    reactor.set(fd, { trigger: 'level' });
    for (let i = 0; i < 3; i++) reactor.turn(0);
    expect(reads).toBe(5);
  });

  test('one-shot: reported once, and again after set', () => {
    const reactor = blocking();
    const [fd, peer] = streamPair();
    let reads = 0;
    reactor.add(fd, { onRead: () => reads++, oneShot: true });
    syscalls.send(peer, Buffer.from('x'), 0, 1);
    for (let i = 0; i < 3; i++) reactor.turn(0);
    expect(reads).toBe(1);
    reactor.set(fd, {});
    for (let i = 0; i < 3; i++) reactor.turn(0);
    expect(reads).toBe(2);
    reactor.set(fd, { onRead: () => reactor.set(fd, { onRead: () => reads++ }) });
    for (let i = 0; i < 3; i++) reactor.turn(0);
    expect(reads).toBe(3);
  });

  test('edge: set makes the kernel look again at what a callback left, whatever it changes', () => {
    const reactor = blocking();
    const [fd, peer] = streamPair();
    let reads = 0;
    reactor.add(fd, { onRead: () => reads++, trigger: 'edge' });
    syscalls.send(peer, Buffer.from('x'), 0, 1);
    reactor.turn(0);
    expect(reads).toBe(1);
    reactor.set(fd, { read: true });
    reactor.turn(0);
    expect(reads).toBe(2);
    reactor.set(fd, {});
    for (let i = 0; i < 3; i++) reactor.turn(0);
    expect(reads).toBe(3);
  });
});

describe('write', () => {
  const big = Buffer.alloc(600_000, 'w');

  test('is accepted whole: what the kernel does not take follows when it does', () => {
    const reactor = blocking();
    const [fd, peer] = streamPair();
    reactor.add(fd, { onRead: () => {} });
    expect(reactor.write(fd, big)).toBe(true);
    expect(reactor.queuedBytes(fd)).toBeGreaterThan(0);
    expect(reactor.write(fd, 'the end')).toBe(true);
    let text = '';
    turnUntil(reactor, 'all output', () => {
      text += received(peer);
      return text.length === big.length + 7;
    });
    expect(text.endsWith('wwthe end')).toBe(true);
    expect(reactor.queuedBytes(fd)).toBe(0);
    expect(reactor.has(fd, 'write')).toBe(false);
  });

  test('is refused whole: empty, beyond the limit by itself, or beyond it with what waits', () => {
    const reactor = blocking({ writeLimit: big.length });
    const [fd, peer] = streamPair();
    expect(reactor.write(fd, '')).toBe(false);
    expect(reactor.write(fd, Buffer.alloc(big.length + 1))).toBe(false);
    expect(received(peer)).toBe('');
    expect(reactor.write(fd, big)).toBe(true);
    const waiting = reactor.queuedBytes(fd);
    expect(reactor.write(fd, Buffer.alloc(big.length - waiting + 1))).toBe(false);
    expect(reactor.queuedBytes(fd)).toBe(waiting);
    expect(reactor.write(fd, Buffer.alloc(big.length - waiting))).toBe(true);
  });

  test('watches a descriptor that nobody watches only until its output has gone', () => {
    const reactor = blocking();
    const [fd, peer] = streamPair();
    reactor.write(fd, 'short');
    expect(reactor.has(fd)).toBe(false);
    reactor.write(fd, big);
    expect(reactor.has(fd)).toBe(true);
    let bytes = 0;
    reactor.add(peer, {
      onRead: () => {
        bytes += received(peer).length;
        if (bytes === big.length + 5) reactor.remove(peer);
      },
    });
    reactor.run();
    expect(reactor.has(fd)).toBe(false);
  });

  test('tells of a broken descriptor: at once by an exception, later by the error callback', () => {
    const reactor = blocking();
    const [fd, peer] = createSocketPair(SOCK_STREAM);
    onTestFinished(() => void syscalls.close(fd));
    const errors: unknown[] = [];
    reactor.add(fd, {
      onRead: () => {},
      onError: (_fd, error) => errors.push((error as { errnoName?: string }).errnoName),
      read: false,
    });
    reactor.write(fd, big);
    syscalls.close(peer);
    reactor.turn();
    expect(errors[0]).toMatch(/EPIPE|ECONNRESET/);
    expect(() => reactor.write(fd, 'x')).toThrow(expect.objectContaining({ syscall: 'write' }));
  });

  test('one-shot watches do not lose output, and output does not arm them', () => {
    const reactor = blocking();
    const [fd, peer] = streamPair();
    let reads = 0;
    reactor.add(fd, { onRead: () => reads++, oneShot: true });
    syscalls.send(peer, Buffer.from('xy'), 0, 2);
    reactor.write(fd, big);
    let bytes = 0;
    turnUntil(reactor, 'all output', () => {
      bytes += received(peer).length;
      return bytes === big.length;
    });
    expect(reads).toBe(1);
  });

  test('output that goes does not use a one-shot watch up: what comes after it is still reported', () => {
    const reactor = blocking();
    const [fd, peer] = streamPair();
    let reads = 0;
    reactor.add(fd, { onRead: () => reads++, oneShot: true });
    reactor.write(fd, big);
    let bytes = 0;
    turnUntil(reactor, 'all output', () => {
      bytes += received(peer).length;
      return bytes === big.length;
    });
    reactor.turn(0);
    expect(reads).toBe(0);
    for (let i = 0; i < 3; i++) {
      syscalls.send(peer, Buffer.from('x'), 0, 1);
      reactor.turn(0);
    }
    expect(reads).toBe(1);
  });

  test('a one-shot watch whose callback throws does not keep output from going', () => {
    const errors: unknown[] = [];
    const reactor = new Reactor({ mode: 'blocking', onError: (error) => errors.push(error) });
    onTestFinished(() => reactor.close());
    const [fd, peer] = streamPair();
    const onRead = () => {
      throw new Error('once');
    };
    reactor.add(fd, { onRead, oneShot: true });
    reactor.write(fd, big);
    syscalls.send(peer, Buffer.from('x'), 0, 1);
    let bytes = 0;
    turnUntil(reactor, 'all output', () => {
      bytes += received(peer).length;
      return bytes === big.length;
    });
    expect(errors).toEqual([new Error('once')]);
  });

  test('a one-shot watch that has reported keeps still when the other side hangs up after its output', () => {
    const reactor = blocking();
    const [fd, peer] = createSocketPair(SOCK_STREAM);
    onTestFinished(() => void syscalls.close(fd));
    let reads = 0;
    reactor.add(fd, { onRead: () => reads++, oneShot: true });
    syscalls.send(peer, Buffer.from('x'), 0, 1);
    reactor.write(fd, big);
    let bytes = 0;
    turnUntil(reactor, 'all output', () => {
      bytes += received(peer).length;
      return bytes === big.length && reactor.queuedBytes(fd) === 0;
    });
    syscalls.close(peer);
    reactor.turn(0);
    expect(reads).toBe(1);
    reactor.set(fd, {});
    reactor.turn(0);
    expect(reads).toBe(2);
  });
});

test('a transport watches through the poller and sees hang-ups as readable', () => {
  const reactor = blocking();
  const [fd, peer] = createSocketPair(SOCK_STREAM);
  onTestFinished(() => void syscalls.close(fd));
  const ready: number[] = [];
  const registration = reactor.poller.add(fd, (bits) => ready.push(bits));
  reactor.turn(0);
  expect(ready).toEqual([]);
  registration.update({ read: true, write: true });
  reactor.turn(0);
  expect(ready).toEqual([4]);
  registration.update({ read: true, write: false });
  syscalls.close(peer);
  reactor.turn(0);
  expect(ready).toEqual([4, 1]);
  registration.unref();
  reactor.run();
  registration.close();
  registration.close();
  expect(reactor.has(fd)).toBe(false);
});

test('an event descriptor that a transport watches by its edges is told once for each write, and needs no reading', () => {
  const reactor = blocking();
  const fd = syscalls.eventfd();
  onTestFinished(() => void syscalls.close(fd));
  let calls = 0;
  const registration = reactor.poller.addEdge?.(fd, () => calls++);
  registration?.update({ read: true, write: false });
  for (let write = 1; write <= 3; write++) {
    syscalls.eventfdSignal(fd);
    reactor.turn(0);
    reactor.turn(0);
    expect(calls).toBe(write);
  }
  registration?.close();
});

test('a transport that wants nothing for now costs no turns when the other side goes, and hears of it later', () => {
  const reactor = blocking();
  const [fd, peer] = createSocketPair(SOCK_STREAM);
  onTestFinished(() => void syscalls.close(fd));
  const ready: number[] = [];
  const registration = reactor.poller.add(fd, (bits) => ready.push(bits));
  syscalls.send(peer, Buffer.from('x'), 0, 1);
  syscalls.close(peer);
  // A turn that has something to report returns at once: the second has nothing, and sleeps.
  reactor.turn(0);
  const began = performance.now();
  reactor.turn(50);
  expect(performance.now() - began).toBeGreaterThan(45);
  expect(ready).toEqual([]);
  registration.update({ read: false, write: false });
  registration.update({ read: true, write: false });
  reactor.turn(0);
  expect(received(fd)).toBe('x');
  reactor.turn(0);
  expect(ready).toEqual([1, 1]);
  // And again: what has hung up is reported, and then is not wanted any more.
  registration.update({ read: false, write: false });
  for (let i = 0; i < 3; i++) reactor.turn(0);
  expect(ready).toEqual([1, 1]);
  registration.close();
  expect(reactor.has(fd)).toBe(false);
  reactor.add(fd, { onRead: () => ready.push(-1) });
  reactor.turn(0);
  expect(ready).toEqual([1, 1, -1]);
});

test('what a poller repeats runs by the clock of a blocking reactor, keeps it from ending no longer, and stops when it is closed', () => {
  const reactor = blocking();
  let looks = 0;
  const repetition = reactor.poller.every(5, () => looks++);
  // Nothing else keeps it going.
  reactor.run();
  expect(looks).toBe(0);
  const pair = createSocketPair(SOCK_STREAM);
  onTestFinished(() => closeAll(pair));
  reactor.add(pair[0], { onRead: () => {} });
  while (looks < 3) reactor.turn(1_000);
  repetition.close();
  repetition.close();
  reactor.turn(30);
  expect(looks).toBe(3);
});
