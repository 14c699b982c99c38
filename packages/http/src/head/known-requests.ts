import type { RequestHead } from './request-head.js';
import type { RequestLine } from './request-line.js';

/** How many lines and how many header blocks are known at most, each found by its length and last characters. */
const PLACES = 256;
/** Characters of the longest line that is known, and bytes of the longest block. */
const MAX_LINE = 512;
const MAX_BLOCK = 2_048;
/** Of so many requests that are not known, one takes the places of others: clients that never send the same twice are not to pay for it. */
const NOTE_EVERY = 8;

const CARRIAGE_RETURN = 13;
/** CRLF twice, as a number of four bytes. */
const END_OF_HEAD = 0x0a0d0a0d;
const END_BYTES = 4;

/** A request line that was read, and what it says. */
interface KnownLine extends Readonly<RequestLine> {
  readonly text: string;
}

/** A header block that was read, and its bytes. */
interface KnownBlock {
  readonly head: RequestHead;
  readonly bytes: Uint8Array;
  /** Those that fill words of four bytes. */
  readonly words: Int32Array;
}

/**
 * Requests without a body whose line and header block have come before: they are compared as bytes, where they lie, and nothing is made of
 * them. Everything else is for the reader to read, which notes here what it has.
 */
export class KnownRequests {
  method = '';
  target = '';
  head!: RequestHead;
  readonly #lines = new Array<KnownLine | undefined>(PLACES).fill(undefined);
  readonly #blocks = new Array<KnownBlock | undefined>(PLACES).fill(undefined);
  /** The memory that was looked into last: requests lie in the same few again and again. */
  #memory: Uint8Array | undefined;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #missed = 0;

  /** Whether `memory[start, end)` is one request that is known; then the fields say what it is. */
  find(memory: Uint8Array, start: number, end: number): boolean {
    const blockEnd = end - END_BYTES;
    if (blockEnd <= start) return false;
    if (memory !== this.#memory) {
      this.#memory = memory;
      this.#view = new DataView(memory.buffer, memory.byteOffset, memory.length);
    }
    if (this.#view.getInt32(blockEnd, true) !== END_OF_HEAD) return false;
    let lineEnd = start;
    const longest = Math.min(blockEnd, start + MAX_LINE);
    while (lineEnd < longest && memory[lineEnd] !== CARRIAGE_RETURN) lineEnd++;
    const line = this.#lines[placeOf(memory, start, lineEnd)];
    const block = this.#blocks[(blockEnd - lineEnd) % PLACES];
    if (line === undefined || block === undefined) return false;
    if (!isText(memory, start, lineEnd, line.text) || !this.#isBlock(lineEnd, blockEnd, block)) return false;
    this.method = line.method;
    this.target = line.target;
    this.head = block.head;
    return true;
  }

  /** Notes a request that was read from `memory`, where its line is `memory[start, lineEnd)`, and that cannot have a body. */
  note(
    memory: Buffer,
    start: number,
    lineEnd: number,
    { method, mayHaveBody }: RequestLine,
    head: RequestHead,
  ): void {
    const { block } = head;
    // It would take the place of one that can be found, and be noted anew with each request.
    if (lineEnd - start > MAX_LINE || block.length > MAX_BLOCK) return;
    const linePlace = placeOf(memory, start, lineEnd);
    const blockPlace = block.length % PLACES;
    const isFree = this.#lines[linePlace] === undefined || this.#blocks[blockPlace] === undefined;
    if (!isFree && ++this.#missed % NOTE_EVERY !== 0) return;
    // Its own text, which keeps nothing else of the request.
    const text = memory.toString('latin1', start, lineEnd);
    const target = text.slice(method.length + 1, text.lastIndexOf(' '));
    this.#lines[linePlace] = { text, method, target, mayHaveBody };
    if (this.#blocks[blockPlace]?.head === head) return;
    const bytes = new Uint8Array(block.length);
    for (let i = 0; i < block.length; i++) bytes[i] = block.charCodeAt(i);
    this.#blocks[blockPlace] = { head, bytes, words: new Int32Array(bytes.buffer, 0, bytes.length >> 2) };
  }

  #isBlock(start: number, end: number, { bytes, words }: KnownBlock): boolean {
    if (bytes.length !== end - start) return false;
    const view = this.#view;
    const count = words.length;
    for (let i = 0, at = start; i < count; i++, at += 4)
      if (view.getInt32(at, true) !== words[i]) return false;
    for (let i = count << 2; i < bytes.length; i++) if (view.getUint8(start + i) !== bytes[i]) return false;
    return true;
  }
}

function placeOf(memory: Uint8Array, start: number, end: number): number {
  // The last characters are the version; those before tell one path from the next.
  const last = end - 10;
  const sum = last > start ? (memory[last] as number) * 7 + (memory[last - 1] as number) * 31 : 0;
  return (sum + end - start) % PLACES;
}

function isText(memory: Uint8Array, start: number, end: number, text: string): boolean {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) if (memory[start + i] !== text.charCodeAt(i)) return false;
  return true;
}
