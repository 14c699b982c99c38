import { SharedMemoryError } from '../errors.js';
import { ROW_HASH, ROW_KEY, ROW_KEY_LENGTH } from './layout.js';
import { type Views, viewsOf } from './memory.js';
import { copyWords, put } from './stores.js';
import { isWellFormed, writeText } from './text.js';

/**
 * The key that is being looked for: its bytes and their hash, kept between calls so that none allocates.
 *
 * The hash is MurmurHash3's x86 32-bit variant (Austin Appleby, public domain) over whole words, the last one padded
 * with zeros, with a seed of the table's.
 */
export class KeyScratch {
  readonly #views: Views;
  readonly #words: Int32Array;
  readonly #maxBytes: number;
  readonly #seed: number;
  #wordCount = 0;
  hash = 0;
  length = 0;

  constructor(maxBytes: number, seed: number) {
    this.#maxBytes = maxBytes;
    this.#seed = seed;
    this.#views = viewsOf(new ArrayBuffer(Math.ceil(maxBytes / 8) * 8), 0, Math.ceil(maxBytes / 8) * 8);
    this.#words = this.#views.words;
  }

  /** Throws `ERR_MILLRACE_TABLE_KEY` for a key that cannot be. */
  set(key: string): void {
    if (typeof key !== 'string') this.#refuse(key === undefined ? 'undefined' : `of type ${typeof key}`);
    const length = writeText(this.#views, 0, key, this.#maxBytes);
    if (length === 0) this.#refuse('empty');
    if (length > this.#maxBytes) this.#refuse(`${length} bytes long: ${JSON.stringify(key.slice(0, 100))}`);
    if (!isWellFormed(key, length)) this.#refuse('not well-formed Unicode');
    this.length = length;
    this.#wordCount = (length + 3) >> 2;
    this.hash = this.#mix();
  }

  /** Whether the slot at `row` has this key, as far as can be told without its version. */
  matches(words: Int32Array, row: number): boolean {
    if (words[row + ROW_KEY_LENGTH] !== this.length) return false;
    const own = this.#words;
    const at = row + ROW_KEY;
    for (let i = 0; i < this.#wordCount; i++) if (words[at + i] !== own[i]) return false;
    return true;
  }

  /** Writes this key into a slot that no other thread can see. */
  writeTo(words: Int32Array, row: number): void {
    put(words, row + ROW_HASH, this.hash);
    put(words, row + ROW_KEY_LENGTH, this.length);
    copyWords(words, row + ROW_KEY, this.#words, 0, this.#wordCount);
  }

  #mix(): number {
    const words = this.#words;
    let hash = this.#seed;
    for (let i = 0; i < this.#wordCount; i++) {
      let k = Math.imul(words[i] ?? 0, 0xcc9e_2d51);
      k = (k << 15) | (k >>> 17);
      hash ^= Math.imul(k, 0x1b87_3593);
      hash = (hash << 13) | (hash >>> 19);
      hash = (Math.imul(hash, 5) + 0xe654_6b64) | 0;
    }
    hash ^= this.length;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
    return hash ^ (hash >>> 16);
  }

  #refuse(what: string): never {
    throw new SharedMemoryError(
      'ERR_MILLRACE_TABLE_KEY',
      `A key of this table is a string of 1 to ${this.#maxBytes} bytes, and this one is ${what}. The limit is the ` +
        "table's keyBytes.",
    );
  }
}
