import { SharedMemoryError } from '../errors.js';
import * as layout from './layout.js';

/** The bytes of memory that a ring of `capacity` bytes takes. */
export function ringBytes(capacity: number): number {
  return layout.HEADER_BYTES + capacity;
}

/** Bytes of the longest message that a ring of `capacity` bytes takes in one piece; longer ones go in several. */
export function ringPieceBytes(capacity: number): number {
  return layout.maxPiece(capacity);
}

/** Where a ring lies: views of its words and its data. The memory needs to be zeroed or to hold a ring. */
export interface RingMemory {
  readonly words: Int32Array;
  readonly data: Buffer;
  readonly capacity: number;
}

/**
 * Finds the ring at `offset` of `memory`, or makes one there if the memory is still zero.
 *
 * `capacity` is a power of two, from 4 KiB to 1 GiB. Throws `ERR_MILLRACE_RING_SIZE` for another and for memory that
 * is too small, `ERR_MILLRACE_RING_CORRUPT` for memory that holds something else.
 */
export function openRing(memory: ArrayBuffer, offset: number, capacity: number): RingMemory {
  const ring = ringAt(memory, offset, capacity);
  assertRing(ring);
  return ring;
}

/** Where a ring lies, whatever is there: to reset one that a process has written over. Throws `ERR_MILLRACE_RING_SIZE`. */
export function ringAt(memory: ArrayBuffer, offset: number, capacity: number): RingMemory {
  const { MIN_CAPACITY, MAX_CAPACITY } = layout;
  if (!Number.isInteger(Math.log2(capacity)) || capacity < MIN_CAPACITY || capacity > MAX_CAPACITY) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_RING_SIZE',
      `A ring's capacity is a power of two from ${MIN_CAPACITY} to ${MAX_CAPACITY} bytes, not ${capacity}.`,
    );
  }
  if (offset % layout.ALIGNMENT !== 0 || offset + ringBytes(capacity) > memory.byteLength) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_RING_SIZE',
      `A ring of ${ringBytes(capacity)} bytes does not fit at ${offset} of ${memory.byteLength} bytes.`,
    );
  }
  return {
    words: new Int32Array(memory, offset, ringBytes(capacity) / 4),
    data: Buffer.from(memory, offset + layout.HEADER_BYTES, capacity),
    capacity,
  };
}

/** Bytes that the writer has published and the reader has not taken, heads of messages included; 0 where that cannot be. */
export function unreadBytes({ words, capacity }: RingMemory): number {
  const unread = (Atomics.load(words, layout.TAIL_WORD) - Atomics.load(words, layout.TAKEN_WORD)) >>> 0;
  return unread <= capacity ? unread : 0;
}

/** Makes a ring where the memory is still zero. Throws `ERR_MILLRACE_RING_CORRUPT` where it holds something else. */
export function assertRing({ words, capacity }: RingMemory): void {
  if (Atomics.load(words, layout.MAGIC_WORD) === 0) publish(words, capacity);
  const found = [
    Atomics.load(words, layout.MAGIC_WORD),
    words[layout.VERSION_WORD],
    words[layout.CAPACITY_WORD],
  ];
  const expected = [layout.MAGIC, layout.VERSION, capacity];
  if (found.some((word, i) => word !== expected[i])) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_RING_CORRUPT',
      `Expected a ring (magic, version, capacity ${expected.join(', ')}), found ${found.join(', ')}.`,
    );
  }
}

/**
 * Makes a ring an empty one again, whatever a process has written over it. No other process may use it meanwhile, and one that has
 * a reader or a writer of it makes a new one.
 */
export function resetRing({ words, capacity }: RingMemory): void {
  Atomics.store(words, layout.MAGIC_WORD, 0);
  for (const word of [layout.TAIL_WORD, layout.TAKEN_WORD, layout.HEAD_WORD, layout.WAITING_WORD])
    Atomics.store(words, word, 0);
  publish(words, capacity);
}

function publish(words: Int32Array, capacity: number): void {
  words[layout.VERSION_WORD] = layout.VERSION;
  words[layout.CAPACITY_WORD] = capacity;
  // Publishes the two above to the load of MAGIC in `openRing`, in another process.
  Atomics.store(words, layout.MAGIC_WORD, layout.MAGIC);
}

/** The error of a ring whose contents contradict themselves: some process has written over it. */
export function corruptRing(what: string): SharedMemoryError {
  return new SharedMemoryError('ERR_MILLRACE_RING_CORRUPT', `The ring holds ${what}; it cannot be used on.`);
}
