import { BREAK, CONTINUE, type FrameVisitor, type VisitAction } from '@millrace/channel';
import type { SharedMemoryError } from '../errors.js';
import * as layout from './layout.js';
import { corruptRing, type RingMemory } from './ring.js';

/** The most memory that is kept for the next message in pieces. */
const KEPT_BYTES = 4 << 20;

/**
 * The reading side of a ring. One at a time, in one process; its successor after its death continues at TAKEN.
 */
export class RingReader {
  readonly #words: Int32Array;
  readonly #data: Buffer;
  readonly #capacity: number;
  readonly #mask: number;
  readonly #maxMessage: number;
  #taken: number;
  #freed: number;
  /** A message in pieces: how much of it has arrived. */
  #whole: Buffer | undefined;
  #arrived = 0;
  #total = 0;
  #spare: Buffer | undefined;
  #abandoned = 0;
  /** What the visitor of the last message said. */
  #action: VisitAction = CONTINUE;
  #failure: SharedMemoryError | undefined;

  constructor({ words, data, capacity }: RingMemory, maxMessageSize: number) {
    this.#words = words;
    this.#data = data;
    this.#capacity = capacity;
    this.#mask = capacity - 1;
    this.#maxMessage = maxMessageSize;
    this.#taken = Atomics.load(words, layout.TAKEN_WORD);
    this.#freed = this.#taken;
    // What a dead predecessor was looking at is free; pairs with RingWriter's loads of HEAD.
    Atomics.store(words, layout.HEAD_WORD, this.#taken);
  }

  /** Messages of dead writers that never came to an end, and messages whose beginning a dead reader had taken. */
  get abandoned(): number {
    return this.#abandoned;
  }

  /** What `read` has thrown of its own, and not its visitor: nothing more can be read. */
  get failure(): SharedMemoryError | undefined {
    return this.#failure;
  }

  /** Whether a message has been taken in part. */
  get hasUnfinished(): boolean {
    return this.#whole !== undefined;
  }

  get hasMore(): boolean {
    return Atomics.load(this.#words, layout.TAIL_WORD) !== this.#taken;
  }

  /**
   * Visits up to `limit` messages, each valid only during its visit, until the visitor returns false; returns how many.
   * Throws `ERR_MILLRACE_RING_CORRUPT` when a record contradicts the layout: then nothing more can be read from this ring.
   */
  read(visit: FrameVisitor, limit: number): number {
    // Pairs with RingWriter's store of TAIL: all records before it are whole.
    const tail = Atomics.load(this.#words, layout.TAIL_WORD);
    const unread = (tail - this.#taken) >>> 0;
    if (unread > this.#capacity)
      throw this.#corrupt(`${unread} unread bytes, which are more than its capacity`);
    let count = 0;
    this.#action = CONTINUE;
    try {
      while (count < limit && this.#action !== BREAK && this.#taken !== tail)
        count += this.#record(visit, tail);
    } finally {
      this.#free();
    }
    return count;
  }

  /** True once, when the writer has met a full ring and waits; it is to be woken then. */
  writerWaits(): boolean {
    if (Atomics.load(this.#words, layout.WAITING_WORD) !== 1) return false;
    return Atomics.exchange(this.#words, layout.WAITING_WORD, 0) === 1;
  }

  /** Takes the next record; 1 when it was or completed a message. */
  #record(visit: FrameVisitor, tail: number): 0 | 1 {
    const index = this.#taken & this.#mask;
    const word = layout.DATA_WORD + (index >> 2);
    const length = this.#words[word] as number;
    const kind = this.#words[word + 1] as number;
    const bytes = layout.recordBytes(length);
    if (
      length < 0 ||
      length > this.#capacity ||
      index + bytes > this.#capacity ||
      bytes > ((tail - this.#taken) | 0)
    ) {
      throw this.#corrupt(`a record of ${length} bytes at ${index}`);
    }
    const start = index + layout.RECORD_HEADER_BYTES;
    this.#taken = (this.#taken + bytes) | 0;
    // Tells a successor that this record is spoken for; pairs with the load in its constructor.
    Atomics.store(this.#words, layout.TAKEN_WORD, this.#taken);
    if (kind !== layout.PADDING && kind !== layout.MIDDLE && kind !== layout.LAST) this.#abandonPiece();
    switch (kind) {
      case layout.WHOLE:
        this.#action = visit(this.#data, start, start + length);
        this.#freeOften();
        return 1;
      case layout.PADDING:
        return 0;
      case layout.FIRST:
        this.#begin(start, length);
        return 0;
      case layout.MIDDLE:
      case layout.LAST:
        return this.#continue(visit, start, length, kind === layout.LAST);
      default:
        throw this.#corrupt(`a record of kind ${kind} at ${index}`);
    }
  }

  #begin(start: number, length: number): void {
    const total = this.#words[layout.DATA_WORD + (start >> 2)] as number;
    const piece = length - layout.TOTAL_BYTES;
    if (piece < 0 || total < piece || total > this.#maxMessage) {
      throw this.#corrupt(`a message of ${total} bytes, the limit is ${this.#maxMessage}`);
    }
    this.#whole = this.#memoryFor(total);
    this.#total = total;
    this.#arrived = this.#data.copy(this.#whole, 0, start + layout.TOTAL_BYTES, start + length);
    this.#free();
  }

  #continue(visit: FrameVisitor, start: number, length: number, last: boolean): 0 | 1 {
    const whole = this.#whole;
    if (whole === undefined) {
      // The beginning was taken by a reader that is gone.
      if (last) this.#abandoned++;
      return 0;
    }
    this.#arrived += this.#data.copy(whole, this.#arrived, start, start + length);
    this.#free();
    if (!last) return 0;
    this.#whole = undefined;
    if (this.#arrived !== this.#total)
      throw this.#corrupt(`${this.#arrived} bytes of a message of ${this.#total}`);
    this.#action = visit(whole, 0, this.#total);
    if (whole.length <= KEPT_BYTES) this.#spare = whole;
    return 1;
  }

  /** Memory for a message in pieces: fresh pages cost more than the copy, so that of the last one is used again. */
  #memoryFor(total: number): Buffer {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare !== undefined && spare.length >= total ? spare : Buffer.allocUnsafeSlow(total);
  }

  #abandonPiece(): void {
    if (this.#whole === undefined) return;
    this.#whole = undefined;
    this.#abandoned++;
  }

  /** Gives room back while a long batch is under way, so that the writer need not wait for its end. */
  #freeOften(): void {
    if (((this.#taken - this.#freed) | 0) > this.#capacity >> 3) this.#free();
  }

  #free(): void {
    // A visitor may have given up the memory: then a successor frees, from TAKEN.
    if (this.#freed === this.#taken || this.#words.length === 0) return;
    this.#freed = this.#taken;
    // Gives the room back; pairs with RingWriter's loads of HEAD, and precedes the load in writerWaits.
    Atomics.store(this.#words, layout.HEAD_WORD, this.#freed);
  }

  #corrupt(what: string): SharedMemoryError {
    this.#failure = corruptRing(what);
    return this.#failure;
  }
}
