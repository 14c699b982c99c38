import type { Views } from './memory.js';

const HALF_PAIR = /\p{Surrogate}/u;

/**
 * Whether text that takes `size` bytes can be read again as it is. Half of a surrogate pair has no UTF-8; only text
 * that has more bytes than characters can hold one.
 */
export function isWellFormed(text: string, size: number): boolean {
  return size === text.length || !HALF_PAIR.test(text);
}

/** Longer text is written by Node: a call costs about as much as so many characters here. */
const SHORT = 64;

/**
 * Writes `text` as UTF-8 at word `at` of memory that is this thread's own; the bytes up to the next word are 0.
 * Returns how many bytes it takes, also when these are more than `max` and nothing usable has been written.
 */
export function writeText({ words, bytes }: Views, at: number, text: string, max: number): number {
  const length = text.length;
  if (length > max) return Buffer.byteLength(text);
  if (length <= SHORT) {
    let all = 0;
    let word = at;
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      const a = text.charCodeAt(i);
      const b = text.charCodeAt(i + 1);
      const c = text.charCodeAt(i + 2);
      const d = text.charCodeAt(i + 3);
      all |= a | b | c | d;
      words[word++] = a | (b << 8) | (c << 16) | (d << 24);
    }
    if (i < length) {
      let last = 0;
      for (let shift = 0; i < length; i++, shift += 8) {
        const a = text.charCodeAt(i);
        all |= a;
        last |= a << shift;
      }
      words[word] = last;
    }
    if (all < 0x80) return length;
  }
  const size = Buffer.byteLength(text);
  if (size > max) return size;
  words[at + ((size + 3) >> 2) - 1] = 0;
  bytes.utf8Write(text, at * 4, size);
  return size;
}
