/**
 * Every store to the memory of a table, and nothing else. A function here is one step: a process may die before or
 * after it. The tests put other functions in their place, that end the writer before its k-th step, for every k.
 *
 * They are small enough for the compiler to inline: a call costs nothing.
 */

/** Stores a word that is not read before another word is published. */
export function put(words: Int32Array, at: number, value: number): void {
  words[at] = value;
}

/** Stores a word, and everything that was stored before it, for threads that load that word. */
export function publish(words: Int32Array, at: number, value: number): void {
  Atomics.store(words, at, value);
}

/** Stores `value` if `expected` is there; returns what was there. */
export function exchange(words: Int32Array, at: number, expected: number, value: number): number {
  return Atomics.compareExchange(words, at, expected, value);
}

export function setBits(words: Int32Array, at: number, bits: number): void {
  Atomics.or(words, at, bits);
}

export function clearBits(words: Int32Array, at: number, bits: number): void {
  Atomics.and(words, at, ~bits);
}

/** Adds 1 and returns what was there. */
export function tick(words: Int32Array, at: number): number {
  return Atomics.add(words, at, 1);
}

/** From so many words a copy by the engine is faster than a loop. */
const LOOP_WORDS = 48;

/** Copies words that are not read before another word is published, from anywhere but after `at` in `words`. */
export function copyWords(
  words: Int32Array,
  at: number,
  source: Int32Array,
  from: number,
  length: number,
): void {
  if (length <= LOOP_WORDS) {
    for (let i = 0; i < length; i++) words[at + i] = source[from + i] ?? 0;
  } else if (words === source) {
    words.copyWithin(at, from, from + length);
  } else {
    words.set(source.subarray(from, from + length), at);
  }
}
