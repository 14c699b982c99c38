/** Up to this many bytes a loop beats making a view of the source, which copying by the runtime needs. */
const SHORT_COPY = 48;
/** Up to this many bytes a loop over words does; beyond, the runtime's vector instructions win. */
const WORD_COPY = 192;
/** From this many bytes on the runtime's call beats a loop over words, where the source is copied whole. */
const SHORTEST_WHOLE = 32;

/** Copies `source[start, end)` to `target` at `offset`. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
): void {
  const whole = start === 0 && end === source.length;
  if (end - start <= (whole ? SHORTEST_WHOLE : SHORT_COPY)) {
    for (let from = start, to = offset; from < end; from++, to++) target[to] = source[from] as number;
  } else if (whole) {
    target.set(source, offset);
  } else {
    // A Buffer's own subarray costs twice as much.
    target.set(new Uint8Array(source.buffer, source.byteOffset + start, end - start), offset);
  }
}

/**
 * Copies short pieces from one memory to another by words of four bytes, over views that are made once: a third of what
 * `copyBytes` takes, and no garbage. For memories that are copied from again and again; one that comes once only, such
 * as a message of its own, is copied by `copyBytes`.
 */
export class WordCopier {
  readonly #target: Uint8Array;
  readonly #targetWords: Int32Array;
  #source: Uint8Array | undefined;
  #sourceWords: Int32Array = NO_WORDS;

  /** `words` are those of `target`, where the caller has a view of them already. */
  constructor(target: Uint8Array, words: Int32Array = wordsOf(target)) {
    this.#target = target;
    this.#targetWords = words;
  }

  /** As `copyBytes`. */
  copy(source: Uint8Array, start: number, end: number, offset: number): void {
    const length = end - start;
    // All of the source needs no view, and the runtime copies it in one call.
    if (length > WORD_COPY || (length > SHORTEST_WHOLE && length === source.length))
      return copyBytes(source, start, end, this.#target, offset);
    if (source !== this.#source) {
      this.#source = source;
      this.#sourceWords = NO_WORDS;
      return copyBytes(source, start, end, this.#target, offset);
    }
    if (this.#sourceWords === NO_WORDS) this.#sourceWords = wordsOf(source);
    // Either has no words where it does not lie at a multiple of four, and a last byte may lie behind the last word.
    if (end > this.#sourceWords.length << 2 || offset + length > this.#targetWords.length << 2)
      return copyBytes(source, start, end, this.#target, offset);
    this.#copyWords(source, start, end, offset);
  }

  #copyWords(source: Uint8Array, start: number, end: number, offset: number): void {
    const target = this.#target;
    const from = this.#sourceWords;
    const to = this.#targetWords;
    let at = start;
    let out = offset;
    while ((out & 3) !== 0 && at < end) target[out++] = source[at++] as number;
    const count = (end - at) >> 2;
    const word = at >> 2;
    const outWord = out >> 2;
    const shift = (at & 3) << 3;
    if (shift === 0) {
      for (let i = 0; i < count; i++) to[outWord + i] = from[word + i] as number;
    } else if (count > 0) {
      // Each word of the target is the end of one of the source's and the beginning of the next; little-endian.
      let low = from[word] as number;
      for (let i = 0; i < count; i++) {
        const high = from[word + i + 1] as number;
        to[outWord + i] = (low >>> shift) | (high << (32 - shift));
        low = high;
      }
    }
    at += count << 2;
    out += count << 2;
    while (at < end) target[out++] = source[at++] as number;
  }
}

const NO_WORDS: Int32Array = new Int32Array(0);

function wordsOf({ buffer, byteOffset, length }: Uint8Array): Int32Array {
  return byteOffset % 4 === 0 ? new Int32Array(buffer, byteOffset, length >> 2) : NO_WORDS;
}
