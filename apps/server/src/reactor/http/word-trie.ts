/** A word that is not, or not yet, one of those known. */
export const NO_WORD = 0;
/** Where every word begins. */
export const WORD_START = 1;

/** Letters of words, and the hyphen; 0: any other byte. */
const LETTERS = 28;

/**
 * Tells whether bytes that come one by one are one of some words, as they come: a word may be cut anywhere. Letters count in
 * one case or in both.
 */
export class WordTrie {
  /** The next place by place and letter; 0: no word goes on so. */
  readonly #next: Uint16Array;
  /** The word that ends at a place. */
  readonly #words: Uint8Array;
  readonly #letters: Uint8Array;

  /** Words are numbered as in the list, from 1; at most 255, of letters and hyphens. */
  constructor(words: readonly string[], { ignoreCase }: { readonly ignoreCase: boolean }) {
    const places = words.reduce((sum, { length }) => sum + length, 2);
    this.#next = new Uint16Array(places * LETTERS);
    this.#words = new Uint8Array(places);
    this.#letters = lettersOf(words.join(''), ignoreCase);
    let last = WORD_START;
    for (const [index, word] of words.entries()) {
      let place = WORD_START;
      for (const byte of Buffer.from(word)) {
        const at = place * LETTERS + (this.#letters[byte] as number);
        if (this.#next[at] === 0) this.#next[at] = ++last;
        place = this.#next[at] as number;
      }
      this.#words[place] = index + 1;
    }
  }

  /** The place after `byte`; 0: it is none of the words, and stays so. */
  step(place: number, byte: number): number {
    const letter = this.#letters[byte] as number;
    return letter === 0 ? 0 : (this.#next[place * LETTERS + letter] as number);
  }

  /** The word that ends here, or {@link NO_WORD}. */
  at(place: number): number {
    return this.#words[place] as number;
  }
}

function lettersOf(used: string, ignoreCase: boolean): Uint8Array {
  const letters = new Uint8Array(256);
  for (const byte of Buffer.from(used)) {
    const letter = byte === HYPHEN ? LETTERS - 1 : (byte | LOWER) - A + 1;
    letters[byte] = letter;
    if (ignoreCase && byte !== HYPHEN) letters[byte & ~LOWER] = letters[byte | LOWER] = letter;
  }
  return letters;
}

const HYPHEN = 0x2d;
const A = 0x61;
const LOWER = 0x20;
