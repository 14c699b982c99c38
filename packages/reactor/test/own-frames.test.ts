import { createSocketPair, SOCK_STREAM, syscalls } from '@millrace/native/syscalls';
import { Connection, Reactor } from '@millrace/reactor';
import { createFramer, FrameInput, OwnFrames } from '@millrace/reactor/internal';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { turnUntil } from './support.js';

const SHARED = 128 << 10;
const LARGE = 20_000;

interface Visited {
  readonly text: string;
  /** The memory itself, where it was handed over. */
  readonly kept: Buffer | undefined;
}

/** An input that hands large frames over, and what came of what it was fed. */
function handingOver() {
  const own = new OwnFrames(SHARED);
  const shared = Buffer.alloc(SHARED);
  const framer = createFramer({ kind: 'length' }, 1 << 20);
  const inputs = [
    new FrameInput(framer, shared, undefined, own),
    new FrameInput(framer, shared, undefined, own),
  ];
  const visited: Visited[] = [];
  /** As one read of `bytes`, or several where there is less room. */
  const feed = (bytes: Buffer, stream = 0) => {
    const input = inputs[stream] as FrameInput;
    for (let at = 0; at < bytes.length; ) {
      input.prepare();
      const count = bytes.copy(input.target, input.offset, at);
      at += count;
      input.take(
        count,
        (memory, start, end) =>
          visited.push({
            text: memory.toString('latin1', start, end),
            kept: own.visited ? memory.subarray(start, end) : undefined,
          }),
        () => true,
      );
    }
  };
  return { visited, feed };
}

function frame(length: number, letter: string): Buffer {
  const bytes = Buffer.alloc(length, letter);
  bytes.writeUInt32BE(length - 4);
  return bytes;
}

test('large frames that come alone, whole or in pieces, are handed over with their memory', () => {
  const { visited, feed } = handingOver();
  // The first comes before its length is expected; it is in memory of its own where it has begun.
  feed(frame(LARGE, 'a').subarray(0, 9_000));
  feed(frame(LARGE, 'a').subarray(9_000));
  feed(frame(LARGE, 'b'));
  feed(frame(LARGE, 'c').subarray(0, 9_000));
  feed(frame(LARGE, 'c').subarray(9_000));
  feed(frame(100_000, 'd').subarray(0, 30_000));
  feed(frame(100_000, 'd').subarray(30_000));
  expect(visited.map(({ kept }) => kept?.length)).toEqual([LARGE, LARGE, LARGE, 100_000]);
  const memories = visited.map(({ kept }) => kept?.buffer);
  expect(new Set(memories).size).toBe(4);
});

test('no frame keeps much more memory than it has, or memory that others lie in', () => {
  const { visited, feed } = handingOver();
  feed(frame(LARGE, 'a'));
  for (const length of [100, LARGE / 2, 17_000, LARGE]) feed(frame(length, 'b'));
  feed(Buffer.concat([frame(LARGE, 'c'), frame(100, 'd')]));
  feed(Buffer.concat([frame(100, 'e'), frame(LARGE, 'f')]));
  for (const { kept } of visited)
    if (kept !== undefined) expect(kept.length * 8).toBeGreaterThanOrEqual(kept.buffer.byteLength * 7);
  const lengths = visited.map(({ text }) => text.length);
  expect(lengths).toEqual([LARGE, 100, LARGE / 2, 17_000, LARGE, LARGE, 100, 100, LARGE]);
});

test('an input that has nothing holds no memory of a large frame', () => {
  for (const own of [new OwnFrames(SHARED), undefined]) {
    const shared = Buffer.alloc(SHARED);
    const input = new FrameInput(createFramer({ kind: 'length' }, 1 << 20), shared, undefined, own);
    const bytes = frame(500_000, 'a');
    for (let at = 0; at < bytes.length; ) {
      input.prepare();
      const count = bytes.copy(input.target, input.offset, at);
      at += count;
      input.take(
        count,
        () => {},
        () => true,
      );
    }
    expect(input.empty).toBe(true);
    expect(input.target === shared).toBe(true);
  }
});

test('what was handed over never changes, whatever comes afterwards, in any pieces, on two streams', () => {
  const length = fc.oneof(
    fc.integer({ min: 4, max: 40 }),
    fc.integer({ min: 15_000, max: 140_000 }),
    fc.constant(65_540),
  );
  const sent = fc.array(fc.tuple(length, fc.integer({ min: 0, max: 1 })), { minLength: 1, maxLength: 12 });
  let handed = 0;
  fc.assert(
    fc.property(
      sent,
      fc.array(fc.integer({ min: 700, max: 90_000 }), { minLength: 1, maxLength: 6 }),
      (frames, cuts) => {
        const { visited, feed } = handingOver();
        const streams: Buffer[][] = [[], []];
        for (const [index, [bytes, stream]] of frames.entries())
          streams[stream]?.push(frame(bytes, String.fromCharCode(97 + index)));
        const rest: Buffer[] = streams.map((parts) => Buffer.concat(parts));
        const expected = streams.flat().map((part) => part.toString('latin1'));
        for (let turn = 0; rest.some((bytes) => bytes.length > 0); turn++) {
          const stream = turn % 2;
          const piece = cuts[turn % cuts.length] as number;
          const bytes = rest[stream] as Buffer;
          feed(bytes.subarray(0, piece), stream);
          rest[stream] = Buffer.from(bytes.subarray(piece));
        }
        expect(visited.map(({ text }) => text).sort()).toEqual(expected.sort());
        for (const { text, kept } of visited) {
          if (kept === undefined) continue;
          handed++;
          expect(kept.toString('latin1')).toBe(text);
        }
      },
    ),
    { numRuns: 50 },
  );
  expect(handed).toBeGreaterThan(30);
});

test('a connection says of which frames its owner may keep the memory', () => {
  using reactor = new Reactor({ mode: 'blocking' });
  const [fd, peer] = createSocketPair(SOCK_STREAM);
  onTestFinished(() => void syscalls.close(peer));
  const kept: Buffer[] = [];
  const borrowed: string[] = [];
  const connection = new Connection(reactor, fd, {
    framing: { kind: 'length' },
    ownFrames: true,
    handlers: {
      onFrame: (own, memory, start, end) => {
        if (own.frameIsOwn) kept.push(memory.subarray(start, end));
        else borrowed.push(memory.toString('latin1', start, end));
      },
    },
  });
  onTestFinished(() => connection.destroy());
  const letters = ['a', 'b', 'c', 'd'];
  for (const letter of letters) {
    const count = kept.length + borrowed.length;
    expect(syscalls.send(peer, frame(LARGE, letter), 0, LARGE)).toBe(LARGE);
    turnUntil(reactor, 'a frame', () => kept.length + borrowed.length > count);
  }
  syscalls.send(peer, frame(50, 'e'), 0, 50);
  turnUntil(reactor, 'a small frame', () => borrowed.length > 1);
  expect(connection.frameIsOwn).toBe(false);
  // Of the first nobody knew how long it would be.
  expect(borrowed).toEqual([frame(LARGE, 'a'), frame(50, 'e')].map((bytes) => bytes.toString('latin1')));
  expect(kept).toEqual(letters.slice(1).map((letter) => frame(LARGE, letter)));
});
