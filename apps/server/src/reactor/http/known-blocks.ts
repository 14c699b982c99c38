/** Blocks that are known, each found by its length. */
const PLACES = 256;
/** Bytes of the longest that is known, and of the shortest, which is read as quickly. */
const MAX_BLOCK = 2_048;
const MIN_BLOCK = 16;
/** Of so many blocks that are not known, one takes the place of another: clients that never send the same twice are not to pay for it. */
const NOTE_EVERY = 8;

const WORD_BYTES = 4;

interface Block {
  readonly bytes: Uint8Array;
  /** Those that fill words of four bytes. */
  readonly words: Int32Array;
  readonly facts: number;
}

/**
 * Header fields that have come before, up to the empty line behind them, with what they say: most clients send the same ones with each
 * request. Four bytes are compared in less time than one is read.
 */
export class KnownBlocks {
  readonly #blocks = new Array<Block | undefined>(PLACES).fill(undefined);
  /** The memory that was looked into last: all connections of a reactor read to one. */
  #memory: Uint8Array | undefined;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #missed = 0;

  /** What `bytes[start, end)` says, where that is a block that is known; else -1. */
  facts(bytes: Uint8Array, start: number, end: number): number {
    const block = this.#blocks[(end - start) % PLACES];
    if (block === undefined || block.bytes.length !== end - start) return -1;
    if (bytes !== this.#memory) {
      this.#memory = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    const { words, bytes: known } = block;
    const view = this.#view;
    const count = words.length;
    let at = start;
    for (let i = 0; i < count; i++, at += WORD_BYTES) if (view.getInt32(at, true) !== words[i]) return -1;
    for (let i = count * WORD_BYTES; at < end; i++, at++) if (bytes[at] !== known[i]) return -1;
    return block.facts;
  }

  /** Notes what `bytes[start, end)` says. */
  note(bytes: Uint8Array, start: number, end: number, facts: number): void {
    const length = end - start;
    if (length < MIN_BLOCK || length > MAX_BLOCK) return;
    const place = length % PLACES;
    if (this.#blocks[place] !== undefined && ++this.#missed % NOTE_EVERY !== 0) return;
    const known = new Uint8Array(length);
    for (let i = 0; i < length; i++) known[i] = bytes[start + i] as number;
    const words = new Int32Array(known.buffer, 0, Math.floor(length / WORD_BYTES));
    this.#blocks[place] = { bytes: known, words, facts };
  }
}
