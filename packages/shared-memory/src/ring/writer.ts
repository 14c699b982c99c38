import { Frame } from '@millrace/channel';
import { copyBytes, WordCopier } from '@millrace/channel/internal';
import type { SharedMemoryError } from '../errors.js';
import * as layout from './layout.js';
import { corruptRing, type RingMemory } from './ring.js';

/** The most memory that is kept for the rest of the next large message. */
const KEPT_BYTES = 4 << 20;

/** The first piece is written. */
const BEGUN = -1;

/**
 * The writing side of a ring. One at a time, in one process; its successor after its death continues at TAIL.
 */
export class RingWriter {
  readonly #words: Int32Array;
  readonly #data: Buffer;
  /** Codecs use one memory for all heads, and often another for all bodies. */
  readonly #heads: WordCopier;
  readonly #bodies: WordCopier;
  readonly #capacity: number;
  readonly #mask: number;
  readonly #maxPiece: number;
  #tail: number;
  /** HEAD as last seen; the true one can only be further on. */
  #head: number;
  /** A message larger than one record, of which some pieces are still to be written. */
  readonly #rest = new Frame();
  #restTotal = 0;
  /** Where the message begins in the body of `#rest`, or BEGUN. */
  #restStart = BEGUN;
  /** Memory of the rest of the last one: fresh pages cost more than the copy. */
  #spare: Buffer = NOTHING;
  #news = false;
  #failure: SharedMemoryError | undefined;

  constructor({ words, data, capacity }: RingMemory) {
    this.#words = words;
    this.#data = data;
    const dataWords = words.subarray(layout.DATA_WORD);
    this.#heads = new WordCopier(data, dataWords);
    this.#bodies = new WordCopier(data, dataWords);
    this.#capacity = capacity;
    this.#mask = capacity - 1;
    this.#maxPiece = layout.maxPiece(capacity);
    this.#tail = Atomics.load(words, layout.TAIL_WORD);
    this.#head = Atomics.load(words, layout.HEAD_WORD);
  }

  /** What a call has thrown: nothing more can be written. */
  get failure(): SharedMemoryError | undefined {
    return this.#failure;
  }

  /** Bytes of a large message that wait for room. */
  get pendingBytes(): number {
    return this.#rest.length;
  }

  /** Bytes that the reader has taken since the start, modulo 2^32. */
  get takenBytes(): number {
    return Atomics.load(this.#words, layout.TAKEN_WORD);
  }

  /** Bytes that the reader has not taken. */
  get unreadBytes(): number {
    return (this.#tail - this.takenBytes) >>> 0;
  }

  /** Whether something was published since the last call: the reader is to be told then. */
  takeNews(): boolean {
    const news = this.#news;
    this.#news = false;
    return news;
  }

  /**
   * Writes and publishes a message; false when there is no room for it now. Of a message larger than a record the
   * rest is kept, and `continue` writes on. After false, the reader wakes the writer once it has made room.
   */
  tryWrite(frame: Frame): boolean {
    if (this.#rest.length > 0 && !this.continue()) return false;
    const length = frame.length;
    if (length <= this.#maxPiece) {
      const at = this.#claim(length);
      if (at < 0) return false;
      this.#fill(frame, at + layout.RECORD_HEADER_BYTES);
      this.#publish(at, length, layout.WHOLE);
      return true;
    }
    return this.#begin(frame, length);
  }

  /** Writes as much of a large message as there is room for, and keeps a copy of the rest; false when there is none. */
  #begin(frame: Frame, length: number): boolean {
    const rest = this.#rest;
    rest.setBody(frame.body, frame.bodyStart, frame.bodyEnd);
    // A head is rare, and small: a message with one pays for a copy of all.
    if (frame.headLength > 0) this.#keep(frame);
    this.#restStart = rest.bodyStart;
    this.#restTotal = length;
    if (this.continue()) return true;
    if (rest.bodyStart === this.#restStart) {
      this.#forget();
      return false;
    }
    if (rest.body === frame.body) this.#keep(rest);
    this.#restStart = BEGUN;
    return true;
  }

  /** Writes on at a large message; true when nothing of it is left. */
  continue(): boolean {
    const rest = this.#rest;
    while (rest.length > 0) {
      const first = rest.bodyStart === this.#restStart;
      const piece = Math.min(rest.length, this.#maxPiece);
      const before = first ? layout.TOTAL_BYTES : 0;
      const at = this.#claim(before + piece);
      if (at < 0) return false;
      const start = at + layout.RECORD_HEADER_BYTES;
      if (first) this.#words[layout.DATA_WORD + (start >> 2)] = this.#restTotal;
      copyBytes(rest.body, rest.bodyStart, rest.bodyStart + piece, this.#data, start + before);
      rest.bodyStart += piece;
      this.#publish(at, before + piece, first ? layout.FIRST : rest.length > 0 ? layout.MIDDLE : layout.LAST);
    }
    if (this.#restTotal > 0) this.#forget();
    return true;
  }

  /** Makes the rest a copy of `frame`, whose memory is the caller's. */
  #keep(frame: Frame): void {
    const { length } = frame;
    if (this.#spare.length < length) this.#spare = Buffer.allocUnsafeSlow(length);
    frame.copyTo(this.#spare, 0);
    this.#rest.setBody(this.#spare, 0, length);
    if (this.#spare.length > KEPT_BYTES) this.#spare = NOTHING;
  }

  #forget(): void {
    this.#restTotal = 0;
    this.#rest.setBody(NOTHING);
  }

  /**
   * Whether any record fits now; after false, the reader wakes the writer once it has made room. Half of the ring is
   * enough for the largest record (a quarter) and the padding before it, and spares a wake-up for each message.
   */
  hasRoom(): boolean {
    return this.#has(this.#capacity >> 1);
  }

  /** Finds room for a record with `length` bytes: its index in the data, or -1 after asking to be woken. */
  #claim(length: number): number {
    const need = layout.recordBytes(length);
    const index = this.#tail & this.#mask;
    const toEnd = this.#capacity - index;
    const total = need <= toEnd ? need : toEnd + need;
    if (!this.#has(total)) return -1;
    if (total === need) return index;
    this.#header(index, toEnd - layout.RECORD_HEADER_BYTES, layout.PADDING);
    this.#tail = (this.#tail + toEnd) | 0;
    return 0;
  }

  /** Whether `bytes` are free; if not, asks the reader to wake this side. */
  #has(bytes: number): boolean {
    const limit = this.#capacity - bytes;
    if (((this.#tail - this.#head) | 0) <= limit) return true;
    this.#loadHead();
    if (((this.#tail - this.#head) | 0) <= limit) return true;
    // Pairs with the reader's exchange of WAITING after its store of HEAD: either the load below sees the new HEAD,
    // or the reader sees the 1. Both are sequentially consistent.
    Atomics.store(this.#words, layout.WAITING_WORD, 1);
    this.#loadHead();
    return ((this.#tail - this.#head) | 0) <= limit;
  }

  /** Throws `ERR_MILLRACE_RING_CORRUPT` for a HEAD that no reader can have stored: what is free cannot be told from it. */
  #loadHead(): void {
    const head = Atomics.load(this.#words, layout.HEAD_WORD);
    const held = (this.#tail - head) >>> 0;
    if (held > this.#capacity) {
      this.#failure = corruptRing(`${held} bytes that are not free, which are more than its capacity`);
      throw this.#failure;
    }
    this.#head = head;
  }

  #fill({ head, headLength, body, bodyStart, bodyEnd }: Frame, at: number): void {
    if (headLength > 0) this.#heads.copy(head, 0, headLength, at);
    this.#bodies.copy(body, bodyStart, bodyEnd, at + headLength);
  }

  #header(at: number, length: number, kind: number): void {
    const word = layout.DATA_WORD + (at >> 2);
    this.#words[word] = length;
    this.#words[word + 1] = kind;
  }

  #publish(at: number, length: number, kind: number): void {
    this.#header(at, length, kind);
    this.#tail = (this.#tail + layout.recordBytes(length)) | 0;
    // Publishes the record, and a PADDING before it, to RingReader's load of TAIL.
    Atomics.store(this.#words, layout.TAIL_WORD, this.#tail);
    this.#news = true;
  }
}

const NOTHING = Buffer.alloc(0);
