import { CONTINUE, Frame } from '@millrace/channel';
import { expect, test } from 'vitest';
import { HEAD_WORD, TAIL_WORD, TAKEN_WORD } from '../../src/ring/layout.js';
import { openRing, RingReader, RingWriter, ringBytes } from '../../src/ring.js';

const CAPACITY = 4_096;
const MAX_MESSAGE = 1 << 20;

function ring() {
  const memory = new ArrayBuffer(ringBytes(CAPACITY));
  return { open: () => openRing(memory, 0, CAPACITY), words: new Int32Array(memory) };
}

function message(text: string | Buffer): Frame {
  const frame = new Frame();
  frame.setBody(Buffer.from(text as string));
  return frame;
}

function readAll(reader: RingReader, limit = Number.POSITIVE_INFINITY): string[] {
  const seen: string[] = [];
  reader.read((memory, start, end) => {
    seen.push(memory.toString('latin1', start, end));
    return CONTINUE;
  }, limit);
  return seen;
}

test('what a writer wrote and did not publish is not seen, and its successor writes over it', () => {
  const { open, words } = ring();
  const dead = new RingWriter(open());
  dead.tryWrite(message('published'));
  const tail = words[TAIL_WORD] as number;
  dead.tryWrite(message('cut off before the store of TAIL'));
  words[TAIL_WORD] = tail;
  const reader = new RingReader(open(), MAX_MESSAGE);
  expect(readAll(reader)).toEqual(['published']);
  new RingWriter(open()).tryWrite(message('next'));
  expect(readAll(reader)).toEqual(['next']);
});

test('a successor goes on where a dead reader stopped: the message in hand is gone, and no other', () => {
  const { open } = ring();
  const writer = new RingWriter(open());
  for (const text of ['a', 'b', 'c', 'd']) writer.tryWrite(message(text));
  const dead = new RingReader(open(), MAX_MESSAGE);
  const die = () =>
    dead.read((memory, start) => {
      if (memory.toString('latin1', start, start + 1) === 'b') throw new Error('killed');
      return CONTINUE;
    }, 10);
  expect(die).toThrow('killed');
  expect(readAll(new RingReader(open(), MAX_MESSAGE))).toEqual(['c', 'd']);
});

test('a reader that dies while it looks at a message leaves its room to be freed by its successor', () => {
  const { open, words } = ring();
  const writer = new RingWriter(open());
  while (writer.tryWrite(message('x'.repeat(500))));
  // The store of TAKEN is done, that of HEAD is not.
  words[TAKEN_WORD] = words[TAIL_WORD] as number;
  expect(writer.tryWrite(message('no room'))).toBe(false);
  const reader = new RingReader(open(), MAX_MESSAGE);
  expect(words[HEAD_WORD]).toBe(words[TAIL_WORD]);
  expect(reader.writerWaits()).toBe(true);
  expect(reader.writerWaits()).toBe(false);
  expect(writer.tryWrite(message('room'))).toBe(true);
  expect(readAll(reader)).toEqual(['room']);
});

test('a large message whose writer died in the middle is dropped and counted', () => {
  const { open } = ring();
  const dead = new RingWriter(open());
  expect(dead.tryWrite(message('y'.repeat(20_000)))).toBe(true);
  expect(dead.pendingBytes).toBeGreaterThan(0);
  const reader = new RingReader(open(), MAX_MESSAGE);
  expect(readAll(reader)).toEqual([]);
  const successor = new RingWriter(open());
  successor.tryWrite(message('after it'));
  expect(readAll(reader)).toEqual(['after it']);
  expect(reader.abandoned).toBe(1);
});

test('a large message whose reader died in the middle is skipped by its successor and counted', () => {
  const { open } = ring();
  const writer = new RingWriter(open());
  writer.tryWrite(message('z'.repeat(10_000)));
  readAll(new RingReader(open(), MAX_MESSAGE));
  const successor = new RingReader(open(), MAX_MESSAGE);
  while (!writer.continue()) readAll(successor);
  writer.tryWrite(message('after it'));
  expect(readAll(successor)).toEqual(['after it']);
  expect(successor.abandoned).toBe(1);
});

test('positions pass 2^31 and 2^32 without notice', () => {
  for (const start of [2 ** 31 - 512, 2 ** 32 - 512]) {
    const { open, words } = ring();
    open();
    for (const word of [TAIL_WORD, TAKEN_WORD, HEAD_WORD]) words[word] = start | 0;
    const [writer, reader] = [new RingWriter(open()), new RingReader(open(), MAX_MESSAGE)];
    for (let i = 0; i < 500; i++) {
      expect(writer.tryWrite(message(`${i}${'.'.repeat(i)}`))).toBe(true);
      expect(readAll(reader)).toEqual([`${i}${'.'.repeat(i)}`]);
    }
  }
});

test('memory that holds no ring, or another, is refused', () => {
  const memory = new ArrayBuffer(ringBytes(CAPACITY));
  new Int32Array(memory)[0] = 0x1234;
  expect(() => openRing(memory, 0, CAPACITY)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_RING_CORRUPT' }),
  );
  const other = new ArrayBuffer(ringBytes(2 * CAPACITY));
  openRing(other, 0, 2 * CAPACITY);
  expect(() => openRing(other, 0, CAPACITY)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_RING_CORRUPT' }),
  );
  for (const capacity of [0, 100, 5_000, 2 ** 31]) {
    expect(() => openRing(memory, 0, capacity)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_RING_SIZE' }),
    );
  }
});

test('a record that contradicts the layout stops the reader with an error, not a crash or a loop', () => {
  for (const [length, kind] of [
    [-1, 1],
    [1_000_000, 1],
    [8, 9],
    [8, 0],
    [2_147_483_647, 2],
  ] as const) {
    const { open, words } = ring();
    new RingWriter(open()).tryWrite(message('12345678'));
    words[64] = length;
    words[65] = kind;
    const reader = new RingReader(open(), MAX_MESSAGE);
    expect(() => readAll(reader)).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_RING_CORRUPT' }));
  }
});
