import { SharedMemoryError } from './errors.js';
import * as layout from './queue-layout.js';

export interface QueueOptions {
  /** Messages that the queue holds, waiting or being worked on: a power of two from 2 to 65,536. Default 1,024. */
  readonly slots?: number;
  /** Largest message in bytes, a multiple of 64 up to 1 MiB. Default 8,192. */
  readonly payloadBytes?: number;
  /** How many take part, numbered from 0; at most 256. Default 64. */
  readonly members?: number;
}

/** Where a queue lies: its sizes, and views of its words and its bytes. */
export interface QueueMemory {
  readonly geometry: layout.QueueGeometry;
  readonly words: Int32Array;
  readonly data: Buffer;
}

/** The bytes of memory that a queue takes; throws `ERR_MILLRACE_QUEUE_SIZE` for sizes that cannot be. */
export function queueBytes(options: QueueOptions = {}): number {
  return geometry(options).bytes;
}

/**
 * Finds the queue at `offset` of `memory`, or makes one there if the memory is still zero. Every process gives the
 * same options.
 *
 * Throws `ERR_MILLRACE_QUEUE_SIZE` for sizes that cannot be and for memory that is too small,
 * `ERR_MILLRACE_QUEUE_CORRUPT` for memory that holds something else.
 */
export function openQueue(memory: ArrayBuffer, offset: number, options: QueueOptions = {}): QueueMemory {
  const found = geometry(options);
  const { slots, payloadBytes, members, bytes } = found;
  if (offset % 64 !== 0 || offset + bytes > memory.byteLength) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_QUEUE_SIZE',
      `A queue of ${bytes} bytes does not fit at ${offset} of ${memory.byteLength} bytes; offsets are multiples of 64.`,
    );
  }
  const words = new Int32Array(memory, offset, bytes / 4);
  if (Atomics.load(words, layout.MAGIC_WORD) === 0) {
    // Two who come here at once store the same; all else of a new queue is zero.
    words[layout.VERSION_WORD] = layout.VERSION;
    words[layout.SLOTS_WORD] = slots;
    words[layout.PAYLOAD_WORD] = payloadBytes;
    words[layout.MEMBERS_WORD] = members;
    // Publishes the four above to the loads of MAGIC in this function, in another process.
    Atomics.store(words, layout.MAGIC_WORD, layout.MAGIC);
  }
  const actual = [
    Atomics.load(words, layout.MAGIC_WORD),
    words[layout.VERSION_WORD],
    words[layout.SLOTS_WORD],
    words[layout.PAYLOAD_WORD],
    words[layout.MEMBERS_WORD],
  ];
  const expected = [layout.MAGIC, layout.VERSION, slots, payloadBytes, members];
  if (actual.some((word, i) => word !== expected[i])) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_QUEUE_CORRUPT',
      `Expected a queue (magic, version, slots, payload, members ${expected.join(', ')}), found ${actual.join(', ')}.`,
    );
  }
  return { geometry: found, words, data: Buffer.from(memory, offset, bytes) };
}

function geometry({ slots = 1_024, payloadBytes = 8_192, members = 64 }: QueueOptions): layout.QueueGeometry {
  const { MIN_SLOTS, MAX_SLOTS, MAX_PAYLOAD, MAX_MEMBERS, MAX_BYTES } = layout;
  const refuse = (message: string) => new SharedMemoryError('ERR_MILLRACE_QUEUE_SIZE', message);
  if (!Number.isInteger(Math.log2(slots)) || slots < MIN_SLOTS || slots > MAX_SLOTS)
    throw refuse(`A queue's slots are a power of two from ${MIN_SLOTS} to ${MAX_SLOTS}, not ${slots}.`);
  if (!Number.isInteger(payloadBytes / 64) || payloadBytes < 0 || payloadBytes > MAX_PAYLOAD)
    throw refuse(`A slot's payload is a multiple of 64 up to ${MAX_PAYLOAD} bytes, not ${payloadBytes}.`);
  if (!Number.isInteger(members) || members < 1 || members > MAX_MEMBERS)
    throw refuse(`A queue has 1 to ${MAX_MEMBERS} members, not ${members}.`);
  const result = layout.geometryOf(slots, payloadBytes, members);
  if (result.bytes > MAX_BYTES)
    throw refuse(
      `${slots} slots of ${payloadBytes} bytes take ${result.bytes} bytes, the limit is ${MAX_BYTES}.`,
    );
  return result;
}
