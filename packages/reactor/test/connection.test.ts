import { createHash } from 'node:crypto';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSocketPair, EAGAIN, EPIPE, SHUT_WR, SOCK_STREAM, syscalls } from '@millrace/native/syscalls';
import {
  Connection,
  ConnectionKind,
  connect,
  type Framer,
  Listener,
  Reactor,
  type SendFileOptions,
} from '@millrace/reactor';
import { everyKindOfBytes, NO_BYTES, openDescriptors } from '@millrace/testkit';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { directory, received, recorded, turnUntil } from './support.js';

function blocking(): Reactor {
  const reactor = new Reactor({ mode: 'blocking' });
  onTestFinished(() => reactor.close());
  return reactor;
}

const send = (fd: number, text: string) => syscalls.send(fd, Buffer.from(text), 0, text.length);

/** Reads from `fd` until it has so many characters. */
function readAll(reactor: Reactor, fd: number, length: number): string {
  let text = '';
  turnUntil(reactor, `${length} bytes at the other side`, () => {
    text += received(fd);
    return text.length >= length;
  });
  return text;
}

const EIGHT = Buffer.of(1, 2, 3, 4, 5, 6, 7, 8).toString('latin1');

describe('output', () => {
  test.each(Object.entries(everyKindOfBytes()))(
    'takes %s whole, or a piece of it by its bytes',
    (_, bytes) => {
      const reactor = blocking();
      const { connection, peer } = recorded(reactor);
      expect(connection.write(bytes)).toBe(true);
      expect(connection.write(bytes, 2, 5)).toBe(true);
      reactor.write(connection.fd, bytes);
      expect(readAll(reactor, peer, 19)).toBe(`${EIGHT}\x03\x04\x05${EIGHT}`);
    },
  );

  test.each(NO_BYTES)('refuses %o, and goes on', (value) => {
    const reactor = blocking();
    const { connection, peer } = recorded(reactor);
    const refused = expect.objectContaining({ code: 'ERR_MILLRACE_BYTES' });
    expect(() => connection.write(value as Uint8Array)).toThrow(refused);
    expect(() => reactor.write(connection.fd, value as Uint8Array)).toThrow(refused);
    connection.write('fine');
    expect(readAll(reactor, peer, 4)).toBe('fine');
  });

  test('goes out whole and in order, however little the kernel takes at a time', () => {
    const reactor = blocking();
    const { connection, peer } = recorded(reactor);
    let expected = '';
    for (let i = 0; i < 3_000; i++) {
      const text = `${i} ${'x'.repeat(i % 977)};`;
      expected += text;
      expect(connection.write(text)).toBe(true);
    }
    expect(connection.queuedBytes).toBeGreaterThan(0);
    expect(readAll(reactor, peer, expected.length) === expected).toBe(true);
    expect(connection.queuedBytes).toBe(0);
  });

  test('whatever is written, and whatever the other side reads in between, the bytes are the same', () => {
    const size = fc.oneof(fc.nat(100), fc.nat(300_000));
    const step = fc.record({ write: size, read: size });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const reactor = new Reactor({ mode: 'blocking' });
        const { connection, peer } = recorded(reactor);
        const hash = { sent: createHash('sha1'), got: createHash('sha1') };
        const memory = Buffer.alloc(300_000);
        let left = 0;
        const read = (length: number) => {
          const count = syscalls.receive(peer, memory, 0, length);
          if (count > 0) hash.got.update(memory.subarray(0, count));
          left -= Math.max(count, 0);
        };
        for (const [i, { write, read: length }] of steps.entries()) {
          const bytes = Buffer.alloc(write, `${i} `);
          if (connection.write(bytes)) {
            hash.sent.update(bytes);
            left += write;
          }
          read(length);
          reactor.turn(0);
        }
        while (left > 0) {
          read(memory.length);
          reactor.turn(0);
        }
        expect(connection.queuedBytes).toBe(0);
        expect(hash.got.digest('hex')).toBe(hash.sent.digest('hex'));
        connection.destroy();
        reactor.close();
      }),
      { numRuns: 50 },
    );
  });

  test('what was sent by the descriptor counts as written: what the kernel has left goes before all else', () => {
    const reactor = blocking();
    const { connection, peer } = recorded(reactor);
    const data = Buffer.alloc(1 << 20, 'x').fill('y', 1 << 19);
    expect(connection.writableFd).toBe(connection.fd);
    const result = syscalls.send(connection.writableFd, data, 0, data.length);
    expect(result).toBeLessThan(data.length);
    connection.wrote(data, 0, data.length, result);
    expect(connection.queuedBytes).toBe(data.length - result);
    expect(connection.writableFd).toBe(-1);
    connection.write('end');
    expect(readAll(reactor, peer, data.length + 3)).toBe(`${data.toString('latin1')}end`);
    expect(connection.writableFd).toBe(connection.fd);
    connection.wrote(data, 0, 5, -EAGAIN);
    expect(readAll(reactor, peer, 5)).toBe('xxxxx');
  });

  test('what was sent by the descriptor of a peer that has gone ends the connection, and nothing more is sent by it', () => {
    const reactor = blocking();
    const { connection, record } = recorded(reactor);
    connection.wrote(Buffer.from('abc'), 0, 3, -EPIPE);
    expect(record.closed).toBe('peer');
    expect(connection.writableFd).toBe(-1);
    connection.wrote(Buffer.from('abc'), 0, 3, 1);
    expect(connection.queuedBytes).toBe(0);
    const { connection: closing } = recorded(reactor);
    closing.end();
    expect(closing.writableFd).toBe(-1);
  });

  test('congestion is told once above the high-water mark and once at the low one', () => {
    const reactor = blocking();
    const { connection, peer, record } = recorded(reactor, {
      maxOutput: 4 << 20,
      highWaterMark: 100_000,
      lowWaterMark: 50_000,
    });
    while (record.congestion.length === 0) connection.write(Buffer.alloc(10_000));
    expect(connection.queuedBytes).toBeGreaterThan(100_000);
    connection.write(Buffer.alloc(10_000));
    turnUntil(reactor, 'the end of the congestion', () => {
      received(peer);
      return record.congestion.length === 2;
    });
    expect(record.congestion).toEqual([true, false]);
    expect(connection.queuedBytes).toBeLessThanOrEqual(50_000);
  });

  test('the owner hears each time the kernel has taken what was queued, and never before it has', () => {
    const reactor = blocking();
    const left: number[] = [];
    const { connection, peer } = recorded(reactor, {
      handlers: { onFrame: () => {}, onOutput: (own) => left.push(own.queuedBytes) },
    });
    connection.write('taken at once');
    connection.write(Buffer.alloc(2_000_000));
    expect(left).toEqual([]);
    readAll(reactor, peer, 2_000_000 + 'taken at once'.length);
    expect(left.at(-1)).toBe(0);
    expect(left).toEqual([...left].sort((a, b) => b - a));
  });

  test('a write beyond the limit is refused whole, and the connection lives', () => {
    const reactor = blocking();
    const { connection, peer, record } = recorded(reactor, { maxOutput: 1 << 20 });
    while (connection.queuedBytes === 0) connection.write(Buffer.alloc(100_000, 'a'));
    while (connection.write(Buffer.alloc(100_000, 'a')));
    const waiting = connection.queuedBytes;
    expect(connection.write(Buffer.alloc((1 << 20) - waiting + 1))).toBe(false);
    expect(connection.queuedBytes).toBe(waiting);
    expect(connection.write(Buffer.alloc((1 << 20) - waiting, 'z'))).toBe(true);
    let last = '';
    turnUntil(reactor, 'the last byte', () => {
      last = received(peer).at(-1) ?? last;
      return connection.queuedBytes === 0 && last === 'z';
    });
    expect(record.closed).toBeUndefined();
  });

  test("with overflow 'destroy' it ends the connection", () => {
    const reactor = blocking();
    const { connection, record } = recorded(reactor, { maxOutput: 1 << 16, overflow: 'destroy' });
    while (connection.write(Buffer.alloc(100_000)));
    expect(record.closed).toBe('output-limit');
    expect(connection.write('more')).toBe(false);
  });

  test('close sends what is queued first; destroy does not', () => {
    const reactor = blocking();
    const first = recorded(reactor);
    first.connection.write(Buffer.alloc(1 << 20, 'q'));
    first.connection.close();
    expect(first.connection.write('late')).toBe(false);
    expect(first.record.closed).toBeUndefined();
    readAll(reactor, first.peer, 1 << 20);
    turnUntil(reactor, 'the close', () => first.record.closed === 'local');
    const second = recorded(reactor);
    second.connection.write(Buffer.alloc(1 << 20));
    second.connection.destroy();
    expect(second.record.closed).toBe('local');
    second.connection.close();
    second.connection.destroy({ reason: 'error' });
    expect(second.record.closed).toBe('local');
  });

  test('what was written before a close arrives although the other side had sent more than was read', () => {
    const reactor = blocking();
    const { connection, peer, record } = recorded(reactor, { onFrame: (own) => own.pause() });
    send(peer, 'x'.repeat(100_000));
    turnUntil(reactor, 'a frame', () => record.frames.length === 1);
    connection.write('the last');
    connection.close();
    expect(connection.write('after the close')).toBe(false);
    const memory = Buffer.alloc(100);
    expect(memory.toString('latin1', 0, syscalls.receive(peer, memory, 0, 100))).toBe('the last');
    expect(syscalls.receive(peer, memory, 0, 100)).toBe(0);
    // The other side has not seen that yet and goes on: it is not reset.
    expect(send(peer, 'more')).toBe(4);
    reactor.turn(0);
    expect(record).toMatchObject({ closed: undefined, frames: [expect.anything()] });
    syscalls.shutdown(peer, SHUT_WR);
    turnUntil(reactor, 'the end', () => record.closed === 'local');
  });

  test('a closed connection does not wait for ever for a peer that goes on sending', () => {
    const reactor = blocking();
    const { connection, peer, record } = recorded(reactor, { onFrame: (own) => own.pause() });
    send(peer, 'x'.repeat(100_000));
    turnUntil(reactor, 'a frame', () => record.frames.length === 1);
    connection.close();
    expect(record.closed).toBeUndefined();
    const began = performance.now();
    turnUntil(reactor, 'the end', () => {
      send(peer, 'and on');
      return record.closed === 'local';
    });
    expect(performance.now() - began).toBeGreaterThan(1_000);
  });

  test('a peer that breaks off ends it, with the error', () => {
    const reactor = blocking();
    const { connection, peer, record } = recorded(reactor);
    connection.write(Buffer.alloc(1 << 20));
    syscalls.shutdown(peer, 2);
    turnUntil(reactor, 'the close', () => record.closed !== undefined);
    expect(record.closed).toBe('peer');
    expect(record.error).toBeInstanceOf(Error);
  });
});

describe('input', () => {
  test('a paused connection delivers nothing, and after resume everything in order', () => {
    const reactor = blocking();
    const { connection, peer, record } = recorded(reactor, {
      framing: { kind: 'eof', delimiter: '\n' },
      onFrame: (own) => own.pause(),
    });
    send(peer, 'one\ntwo\nthr');
    reactor.turn(0);
    reactor.turn(0);
    expect(record.frames).toEqual(['one']);
    send(peer, 'ee\n');
    connection.resume();
    reactor.turn(0);
    reactor.turn(0);
    expect(record.frames).toEqual(['one', 'two']);
    connection.resume();
    for (let i = 0; i < 3; i++) reactor.turn(0);
    expect(record.frames).toEqual(['one', 'two', 'three']);
  });

  test('a handler that wants no frame pauses it, before the frame', () => {
    const reactor = blocking();
    let wanted = false;
    const record: string[] = [];
    const { connection, peer } = recorded(reactor, {
      handlers: {
        wantsFrame: () => wanted,
        onFrame: (_own, memory, start, end) => record.push(memory.toString('latin1', start, end)),
      },
    });
    send(peer, 'x');
    reactor.turn(0);
    expect(connection.paused).toBe(true);
    wanted = true;
    connection.resume();
    reactor.turn(0);
    expect(record).toEqual(['x']);
  });

  test('what a peer sent before it closed is delivered, also to a connection that was paused', () => {
    const reactor = blocking();
    const { connection, peer, record } = recorded(reactor, { framing: { kind: 'eof', delimiter: '\n' } });
    connection.pause();
    send(peer, 'one\ntwo\n');
    syscalls.shutdown(peer, 2);
    for (let i = 0; i < 3; i++) reactor.turn(0);
    expect(record.closed).toBeUndefined();
    expect(reactor.has(connection.fd)).toBe(false); // it costs no turns meanwhile
    connection.resume();
    for (let i = 0; i < 3; i++) reactor.turn(0);
    expect(record).toMatchObject({ frames: ['one', 'two'], ended: true });
  });

  test('a connection that pauses at each frame gets all that a closed peer had sent, and then its end', () => {
    const reactor = blocking();
    const { connection, peer, record } = recorded(reactor, {
      framing: { kind: 'eof', delimiter: '\n' },
      onFrame: (own) => own.pause(),
    });
    send(peer, 'one\ntwo\nthree\n');
    syscalls.shutdown(peer, 2);
    turnUntil(reactor, 'the end', () => {
      connection.resume();
      return record.ended;
    });
    expect(record).toMatchObject({ frames: ['one', 'two', 'three'], closed: undefined });
  });

  test('a handler that throws has had its frame; the next ones come', () => {
    const errors: unknown[] = [];
    const reactor = new Reactor({ mode: 'blocking', onError: (error) => errors.push(error) });
    onTestFinished(() => reactor.close());
    const { peer, record } = recorded(reactor, {
      framing: { kind: 'eof', delimiter: '\n' },
      onFrame: () => {
        if (record.frames.length !== 3) throw new Error(`frame ${record.frames.length}`);
      },
    });
    send(peer, 'one\ntwo\nthree\nfo');
    for (let i = 0; i < 4; i++) reactor.turn(0);
    send(peer, 'ur\n');
    reactor.turn(0);
    expect(record.frames).toEqual(['one', 'two', 'three', 'four']);
    expect(errors).toEqual([new Error('frame 1'), new Error('frame 2'), new Error('frame 4')]);
  });

  test('a malformed frame ends the connection, with what a user function has thrown', () => {
    const reactor = blocking();
    const long = recorded(reactor, { framing: { kind: 'eof', delimiter: '\n' }, maxFrameLength: 10 });
    send(long.peer, 'fine\nmuch too long');
    const thrown = recorded(reactor, {
      framing: {
        kind: 'function',
        measure: () => {
          throw new Error('no frame');
        },
      },
    });
    send(thrown.peer, 'x');
    reactor.turn(0);
    expect(long.record).toMatchObject({ frames: ['fine'], closed: 'malformed' });
    expect(thrown.record).toMatchObject({ closed: 'malformed', error: new Error('no frame') });
  });
});

describe('a framer that knows something of each stream', () => {
  /** Frames end with the mark of their connection, or where they are when it hurries. */
  const hurried = new Set<unknown>();
  const framer: Framer = {
    needed: 0,
    trailer: 0,
    measure: (bytes, start, end, _scanned, stream) => {
      if (hurried.delete(stream)) return end - start;
      const { context } = stream as Connection<string>;
      const at = bytes.subarray(start, end).indexOf(context);
      return at < 0 ? 0 : at + 1;
    },
  };
  const pair = (reactor: Reactor, context: string) => {
    const [fd, peer] = createSocketPair(SOCK_STREAM);
    onTestFinished(() => void syscalls.close(peer));
    const frames: string[] = [];
    let ends = 0;
    const connection = new Connection(reactor, fd, {
      context,
      framer,
      handlers: {
        onFrame: (_own, memory, start, end) => frames.push(memory.toString('latin1', start, end)),
        onInputEnd: () => ends++,
      },
    });
    return { connection, peer, frames, ends: () => ends };
  };

  test('finds it by the connection', () => {
    const reactor = blocking();
    const [one, two] = [pair(reactor, 'x'), pair(reactor, 'y')];
    send(one.peer, '1x2y3');
    send(two.peer, '1x2y3');
    for (let i = 0; i < 4; i++) reactor.turn(0);
    expect([one.frames, two.frames]).toEqual([['1x'], ['1x2y']]);
  });

  test('can be asked again about what is kept, which is delivered then', () => {
    const reactor = blocking();
    const { connection, peer, frames } = pair(reactor, 'x');
    send(peer, 'half');
    reactor.turn(0);
    connection.recut();
    expect([frames, connection.inputBytes]).toEqual([[], 4]);
    hurried.add(connection);
    connection.recut();
    expect([frames, connection.inputBytes]).toEqual([['half'], 0]);
    connection.recut();
    send(peer, 'whole x');
    reactor.turn(0);
    expect(frames).toEqual(['half', 'whole x']);
  });

  test('of a paused connection it is delivered after resume, before the end', () => {
    const reactor = blocking();
    const { connection, peer, frames, ends } = pair(reactor, 'x');
    send(peer, 'half');
    reactor.turn(0);
    connection.pause();
    hurried.add(connection);
    connection.recut();
    syscalls.shutdown(peer, SHUT_WR);
    for (let i = 0; i < 3; i++) reactor.turn(0);
    expect([frames, ends()]).toEqual([[], 0]);
    connection.resume();
    for (let i = 0; i < 4; i++) reactor.turn(0);
    expect([frames, ends()]).toEqual([['half'], 1]);
  });
});

describe('turns', () => {
  test('a connection delivers its share of frames in a turn; others that have sent something come before the rest', () => {
    const reactor = blocking();
    const log: string[] = [];
    const pair = (name: string) => {
      const [fd, peer] = createSocketPair(SOCK_STREAM);
      onTestFinished(() => void syscalls.close(peer));
      const onFrame = (_: unknown, memory: Buffer, start: number, end: number) =>
        void log.push(`${name}${memory.toString('latin1', start, end)}`);
      const framing = { kind: 'eof', delimiter: ';' } as const;
      const connection = new Connection(reactor, fd, { handlers: { onFrame }, framing, framesPerTurn: 10 });
      onTestFinished(() => connection.destroy());
      return peer;
    };
    const [deep, good] = [pair('deep'), pair('good')];
    send(deep, Array.from({ length: 1_000 }, (_, i) => `${i};`).join(''));
    send(good, 'a;');
    reactor.turn(0);
    expect(log.slice(0, 12).indexOf('gooda')).toBeLessThanOrEqual(10);
    for (let i = 0; i < 20; i++) {
      send(good, 'b;');
      const before = log.length;
      reactor.turn(0);
      expect(log.slice(before)).toContain('goodb');
      expect(log.length - before).toBeLessThanOrEqual(11);
    }
    turnUntil(reactor, 'all frames', () => log.length === 1_021);
    expect(log.filter((entry) => entry.startsWith('deep'))).toEqual(
      Array.from({ length: 1_000 }, (_, i) => `deep${i}`),
    );
  });

  test('frames that take long end the share of a turn after a millisecond, whatever framesPerTurn says', () => {
    const reactor = blocking();
    const [fd, peer] = createSocketPair(SOCK_STREAM);
    onTestFinished(() => void syscalls.close(peer));
    let frames = 0;
    const onFrame = () => {
      frames++;
      const until = performance.now() + 1;
      while (performance.now() < until);
    };
    const connection = new Connection(reactor, fd, {
      handlers: { onFrame },
      framing: { kind: 'eof', delimiter: ';' },
    });
    onTestFinished(() => connection.destroy());
    send(peer, 'x;'.repeat(30));
    // When it has been read, and once more behind what others have sent.
    reactor.turn(0);
    expect(frames).toBeLessThanOrEqual(20);
    const before = frames;
    reactor.turn(0);
    expect(frames - before).toBeLessThanOrEqual(10);
    turnUntil(reactor, 'all frames', () => frames === 30);
  });

  test('what a peer sent before it closed is delivered over as many turns as it takes, and then its end', () => {
    const reactor = blocking();
    const [fd, peer] = createSocketPair(SOCK_STREAM);
    const got: string[] = [];
    const connection = new Connection(reactor, fd, {
      handlers: {
        onFrame: (_, memory, start, end) => void got.push(memory.toString('latin1', start, end)),
        onClose: (_, reason) => void got.push(reason),
      },
      framing: { kind: 'eof', delimiter: ';' },
      framesPerTurn: 3,
      bytesPerTurn: 7,
    });
    onTestFinished(() => connection.destroy());
    send(peer, Array.from({ length: 100 }, (_, i) => `${i};`).join(''));
    syscalls.close(peer);
    turnUntil(reactor, 'the end', () => connection.closed);
    expect(got).toEqual([...Array.from({ length: 100 }, (_, i) => String(i)), 'local']);
  });
});

describe('half-close', () => {
  test('end sends what is queued, then the end, and frames still arrive', () => {
    const reactor = blocking();
    const { connection, peer, record } = recorded(reactor);
    connection.write(Buffer.alloc(1 << 20, 'q'));
    connection.end();
    expect(connection.write('late')).toBe(false);
    readAll(reactor, peer, 1 << 20);
    turnUntil(
      reactor,
      'the end at the other side',
      () => syscalls.receive(peer, Buffer.alloc(1), 0, 1) === 0,
    );
    send(peer, 'still here');
    reactor.turn(0);
    expect(record).toMatchObject({ frames: ['still here'], closed: undefined });
    syscalls.shutdown(peer, SHUT_WR);
    reactor.turn(0);
    expect(record).toMatchObject({ ended: true, closed: 'peer' });
  });

  test("after the other side's end it can still be written to, until end", () => {
    const reactor = blocking();
    const { connection, peer, record } = recorded(reactor);
    send(peer, 'question');
    syscalls.shutdown(peer, SHUT_WR);
    reactor.turn(0);
    reactor.turn(0);
    expect(record).toMatchObject({ frames: ['question'], ended: true, closed: undefined });
    expect(connection.inputEnded).toBe(true);
    connection.write('answer');
    connection.end();
    expect(received(peer)).toBe('answer');
    expect(record.closed).toBe('local');
  });

  test('without a handler for the end, the connection closes once its output is sent', () => {
    const reactor = blocking();
    const { peer, record } = recorded(reactor, {
      handlers: {
        onFrame: (own) => own.write('answer'),
        onInputEnd: undefined,
        onClose: (_own, reason) => {
          record.closed = reason;
        },
      },
    });
    send(peer, 'question');
    syscalls.shutdown(peer, SHUT_WR);
    reactor.turn(0);
    reactor.turn(0);
    expect(received(peer)).toBe('answer');
    expect(record.closed).toBe('local');
  });
});

describe('sending files', () => {
  const content = Buffer.from(Array.from({ length: 700_000 }, (_x, i) => `${i} `).join(''));

  function file(bytes: Buffer = content): string {
    const path = join(directory(), 'file');
    writeFileSync(path, bytes);
    return path;
  }

  test.each<[string, SendFileOptions, number, number]>([
    ['whole', {}, 0, content.length],
    ['from an offset', { offset: 100_000 }, 100_000, content.length],
    ['a piece', { offset: 5, length: 2_000_001 }, 5, 2_000_006],
    ['nothing of it', { offset: 5, length: 0 }, 5, 5],
  ])('%s, between bytes that were written before and after', (_name, options, start, end) => {
    const reactor = blocking();
    const { connection, peer } = recorded(reactor);
    const sent: (Error | undefined)[] = [];
    connection.write('head ');
    expect(connection.sendFile(file(), { ...options, onSent: (error) => sent.push(error) })).toBe(true);
    connection.write(' tail');
    const expected = `head ${content.toString('latin1', start, end)} tail`;
    expect(readAll(reactor, peer, expected.length) === expected).toBe(true);
    expect(sent).toEqual([undefined]);
  });

  test('over TCP, and closing after it', () => {
    const reactor = blocking();
    const listener = new Listener({ host: '127.0.0.1', port: 0 });
    listener.start(reactor, {
      onAccept: (fd) => {
        const connection = new Connection(reactor, fd, { handlers: { onFrame: () => {} } });
        connection.sendFile(file());
        connection.close();
        listener.close();
      },
    });
    const pieces: string[] = [];
    connect(
      reactor,
      listener.address,
      {
        handlers: {
          onFrame: (_own, memory, start, end) => pieces.push(memory.toString('latin1', start, end)),
        },
      },
      (error) => expect(error).toBeUndefined(),
    );
    reactor.run();
    expect(pieces.join('') === content.toString('latin1')).toBe(true);
  });

  test('where the kernel cannot, it is read and sent', () => {
    const reactor = blocking();
    const { connection, peer } = recorded(reactor);
    const { sendFile } = syscalls;
    onTestFinished(() => {
      syscalls.sendFile = sendFile;
    });
    syscalls.sendFile = () => -22; // EINVAL
    connection.sendFile(file());
    connection.write('tail');
    const expected = `${content.toString('latin1')}tail`;
    expect(readAll(reactor, peer, expected.length) === expected).toBe(true);
  });

  test('a file that becomes shorter meanwhile ends the connection, and the owner is told', () => {
    const reactor = blocking();
    const { connection, peer, record } = recorded(reactor);
    const path = file();
    let told: Error | undefined;
    connection.sendFile(path, {
      onSent: (error) => {
        told = error;
      },
    });
    truncateSync(path, 10);
    turnUntil(reactor, 'the close', () => {
      received(peer);
      return record.closed !== undefined;
    });
    expect(record.closed).toBe('error');
    expect(told).toMatchObject({ code: 'ERR_MILLRACE_REACTOR_FILE' });
    expect(record.error).toBe(told);
  });

  test('a connection that ends tells the owner of a file that was not sent', () => {
    const reactor = blocking();
    const { connection } = recorded(reactor);
    const told: (Error | undefined)[] = [];
    connection.sendFile(file(), { onSent: (error) => told.push(error) });
    connection.destroy();
    expect(told).toEqual([expect.any(Error)]);
    expect(connection.sendFile('/does/not/matter')).toBe(false);
  });

  test('what the owners of files throw keeps no file open, and the close is told all the same', () => {
    const reactor = blocking();
    const { connection, record } = recorded(reactor);
    const path = file();
    const before = openDescriptors('self');
    let told = 0;
    for (let i = 0; i < 5; i++) {
      connection.sendFile(path, {
        onSent: () => {
          told++;
          throw new Error('owner');
        },
      });
    }
    expect(openDescriptors('self')).toBe(before + 5);
    expect(() => connection.destroy()).toThrow(AggregateError);
    expect(told).toBe(5);
    expect(record.closed).toBe('local');
    // The connection has closed its own.
    expect(openDescriptors('self')).toBe(before - 1);
  });

  test('no more than 64 files wait', () => {
    const reactor = blocking();
    const { connection } = recorded(reactor);
    const path = file();
    let files = 0;
    while (connection.sendFile(path)) files++;
    expect(files).toBe(64);
  });

  test('a directory, and a range that the file has not, are errors', () => {
    const reactor = blocking();
    const { connection } = recorded(reactor);
    const path = file(Buffer.from('12345'));
    const error = expect.objectContaining({ code: 'ERR_MILLRACE_REACTOR_FILE' });
    expect(() => connection.sendFile(directory())).toThrow(error);
    expect(() => connection.sendFile(path, { offset: 6 })).toThrow(error);
    expect(() => connection.sendFile(path, { offset: 1, length: 5 })).toThrow(error);
    expect(() => connection.sendFile(path, { offset: -1 })).toThrow(error);
    expect(() => connection.sendFile(join(path, 'none'))).toThrow(
      expect.objectContaining({ code: 'ENOTDIR' }),
    );
  });
});

test('options that cannot be are errors that name them', () => {
  const reactor = blocking();
  for (const options of [
    { maxOutput: 0 },
    { maxOutput: 10, highWaterMark: 11 },
    { lowWaterMark: -1 },
    { maxFrameLength: 0.5 },
  ]) {
    const [name] = Object.keys(options).slice(-1);
    expect(() => new Connection(reactor, 0, { ...options, handlers: { onFrame: () => {} } })).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_REACTOR_OPTION',
        message: expect.stringContaining(name as string),
      }),
    );
  }
});

describe('connections of one kind', () => {
  /** So many, each with the other end of its own, and what each has got. */
  function several(reactor: Reactor, count: number) {
    const frames: string[][] = Array.from({ length: count }, () => []);
    const kind = new ConnectionKind<number>(reactor, {
      framing: { kind: 'length' },
      handlers: {
        onFrame: ({ context }, memory, start, end) =>
          frames[context]?.push(memory.toString('latin1', start + 4, end)),
        onInputEnd: () => {},
      },
    });
    const ends = frames.map((_, index) => {
      const [fd, peer] = createSocketPair(SOCK_STREAM);
      const connection = new Connection(reactor, fd, kind, index);
      onTestFinished(() => {
        connection.destroy();
        syscalls.close(peer);
      });
      return { connection, peer };
    });
    return { frames, ends, kind };
  }

  const framed = (text: string) => {
    const bytes = Buffer.alloc(4 + text.length, text);
    bytes.writeUInt32BE(text.length);
    bytes.write(text, 4, 'latin1');
    return bytes;
  };

  test('do not mix what they have read of their frames, small or large, in whatever pieces it comes', () => {
    const length = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 10_000, max: 60_000 }));
    const message = fc.record({ to: fc.nat(2), length });
    const pieces = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), pieces, (messages, sizes) => {
        const reactor = new Reactor({ mode: 'blocking' });
        const { frames, ends } = several(reactor, 3);
        const expected: string[][] = [[], [], []];
        for (const [i, { to, length }] of messages.entries()) expected[to]?.push(`${i};`.padEnd(length, '.'));
        const streams = expected.map((texts) => Buffer.concat(texts.map(framed)));
        const sent = [0, 0, 0];
        let turn = 0;
        // A piece to each in its turn, so that every one is in the middle of something when the next is read.
        while (streams.some((stream, to) => (sent[to] as number) < stream.length)) {
          for (const [to, stream] of streams.entries()) {
            const from = sent[to] as number;
            const size = Math.min(sizes[turn++ % sizes.length] as number, stream.length - from);
            const count = size > 0 ? syscalls.send(ends[to]?.peer as number, stream, from, size) : 0;
            sent[to] = from + Math.max(0, count);
          }
          reactor.turn(0);
        }
        const done = () => frames.every((texts, to) => texts.length === expected[to]?.length);
        if (!done()) turnUntil(reactor, 'every frame', done);
        expect(frames).toEqual(expected);
        for (const { connection } of ends) connection.destroy();
        reactor.close();
      }),
      { numRuns: 30 },
    );
  });

  test('are watched each for itself: one that is paused or congested changes nothing for the others', () => {
    const reactor = blocking();
    const { frames, ends } = several(reactor, 2);
    const [first, second] = ends as [(typeof ends)[0], (typeof ends)[0]];
    first.connection.pause();
    const much = Buffer.alloc(4 << 20, 'x');
    expect(second.connection.write(much)).toBe(true);
    expect(second.connection.queuedBytes).toBeGreaterThan(0);
    for (const { peer } of ends) syscalls.send(peer, framed('hello'), 0, 9);
    turnUntil(reactor, 'the frame of the other', () => frames[1]?.length === 1);
    expect(frames[0]).toEqual([]);
    expect([reactor.has(first.connection.fd, 'read'), reactor.has(second.connection.fd, 'read')]).toEqual([
      false,
      true,
    ]);
    expect([reactor.has(first.connection.fd, 'write'), reactor.has(second.connection.fd, 'write')]).toEqual([
      false,
      true,
    ]);
    first.connection.resume();
    turnUntil(reactor, 'the frame that waited', () => frames[0]?.length === 1);
    expect(readAll(reactor, second.peer, much.length).length).toBe(much.length);
    expect(second.connection.queuedBytes).toBe(0);
  });

  test('with the number of a closed one begin anew', () => {
    const reactor = blocking();
    const { frames, ends, kind } = several(reactor, 1);
    const [first] = ends as [(typeof ends)[0]];
    const { fd } = first.connection;
    syscalls.send(first.peer, framed('cut'), 0, 5);
    reactor.turn();
    first.connection.destroy();
    expect(reactor.has(fd)).toBe(false);
    const [next, peer] = createSocketPair(SOCK_STREAM);
    expect(next).toBe(fd);
    const connection = new Connection(reactor, next, kind, 0);
    onTestFinished(() => {
      connection.destroy();
      syscalls.close(peer);
    });
    syscalls.send(peer, framed('whole'), 0, 9);
    turnUntil(reactor, 'its frame', () => frames[0]?.length === 1);
    expect(frames).toEqual([['whole']]);
  });
});
