/** Most words of four bytes in a message of the stress test. */
export const MOST_WORDS = 16;

/** How long the message of this number is, in words: 1 to 16, of which the first is the number. */
export function wordsOf(number: number): number {
  return 1 + (Math.imul(number, 0x9e37_79b1) >>> 28);
}

/** Both sides draw the same words (xorshift32). */
export class Generator {
  #state = 0x5eed;

  next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state;
  }
}
