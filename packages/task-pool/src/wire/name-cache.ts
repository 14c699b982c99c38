import { TaskError } from '../errors.js';

/** Names that are kept; a program has few tasks. A program that makes names up must not fill the memory with them. */
const MAX_NAMES = 1_024;
/** Bytes of the longest name: its length has 16 bits, and a message without a body must fit a datagram. */
const MAX_NAME_BYTES = 1_024;

/** Encodes and decodes task names without allocating for each message. */
export class NameCache {
  readonly #encoded = new Map<string, Buffer>();
  #lastBytes = Buffer.alloc(0);
  #lastName = '';

  /** Throws `ERR_MILLRACE_UNKNOWN_TASK` for a name that is too long to be one. */
  encode(name: string): Buffer {
    let bytes = this.#encoded.get(name);
    if (bytes !== undefined) return bytes;
    bytes = Buffer.from(name);
    if (bytes.length > MAX_NAME_BYTES) {
      throw new TaskError(
        'ERR_MILLRACE_UNKNOWN_TASK',
        `A task's name has at most ${MAX_NAME_BYTES} bytes, not ${bytes.length}.`,
      );
    }
    if (this.#encoded.size >= MAX_NAMES) this.#encoded.clear();
    this.#encoded.set(name, bytes);
    return bytes;
  }

  /** Most messages have the same name as their predecessor. */
  decode(memory: Buffer, start: number, end: number): string {
    const last = this.#lastBytes;
    if (end - start === last.length) {
      let i = 0;
      while (i < last.length && memory[start + i] === last[i]) i++;
      if (i === last.length) return this.#lastName;
    }
    this.#lastBytes = Buffer.from(memory.subarray(start, end));
    this.#lastName = memory.toString('utf8', start, end);
    return this.#lastName;
  }
}
