import { Frame, type Transport } from '../interface/transport.js';

/** Bytes of the memories that small messages are gathered in. */
const SLAB_BYTES = 64 * 1024;
/** A message larger than this gets a memory of its own. */
const LARGEST_GATHERED = SLAB_BYTES / 8;
/** Memory of larger ones, up to this many bytes in all, is used again: fresh memory costs more than the copy. */
const MOST_SPARE = 1 << 20;
/** What each message counts for beside its bytes: its place, so that also messages without bytes wait, and have a limit. */
const PLACE_BYTES = 32;

/**
 * Encoded messages that wait, oldest first: for a transport's room, or, in memory, for their reader. A ring of places
 * that doubles; the head moves, nothing is shifted. Small messages lie next to each other in slabs, so that a queue that
 * fills and empties allocates next to nothing for each.
 */
export class SendQueue {
  #memories: (Buffer | undefined)[] = new Array(16);
  #starts: number[] = new Array(16).fill(0);
  #ends: number[] = new Array(16).fill(0);
  #first = 0;
  #count = 0;
  #bytes = 0;
  #slab: Buffer | undefined;
  #slabUsed = 0;
  /** Memories of large messages that were taken out. */
  #spares: Buffer[] = [];
  #spareBytes = 0;
  readonly #frame = new Frame();

  /** What its messages take, with their places; not 0 unless it is empty. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages in it. */
  get size(): number {
    return this.#count;
  }

  get empty(): boolean {
    return this.#count === 0;
  }

  /** Keeps a copy of `frame`. */
  push(frame: Frame): void {
    const { length } = frame;
    if (this.#count === this.#memories.length) this.#grow();
    const place = (this.#first + this.#count++) & (this.#memories.length - 1);
    let start = 0;
    let memory: Buffer;
    if (length > LARGEST_GATHERED) memory = this.#memoryFor(length);
    else {
      memory = this.#slabFor(length);
      start = this.#slabUsed;
      this.#slabUsed += length;
    }
    frame.copyTo(memory, start);
    this.#memories[place] = memory;
    this.#starts[place] = start;
    this.#ends[place] = start + length;
    this.#bytes += PLACE_BYTES + length;
  }

  /** Moves what it can to `transport`; true when nothing is left. */
  drainTo(transport: Transport): boolean {
    while (this.peek(this.#frame)) {
      if (!transport.trySend(this.#frame)) return false;
      this.drop();
    }
    return true;
  }

  /** Makes `frame` the oldest message, without taking it out; false when there is none. */
  peek(frame: Frame): boolean {
    if (this.#count === 0) return false;
    const memory = this.#memories[this.#first] as Buffer;
    frame.setBody(memory, this.#starts[this.#first], this.#ends[this.#first]);
    return true;
  }

  /** Takes the oldest out; its bytes stay as they are until the next `push`. */
  drop(): void {
    const bytes = (this.#ends[this.#first] as number) - (this.#starts[this.#first] as number);
    const memory = this.#memories[this.#first] as Buffer;
    if (bytes > LARGEST_GATHERED && this.#spareBytes + memory.length <= MOST_SPARE) {
      this.#spares.push(memory);
      this.#spareBytes += memory.length;
    }
    this.#bytes -= PLACE_BYTES + bytes;
    this.#memories[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#memories.length - 1);
    // Nothing lies in the slab any more: it is filled from its beginning again.
    if (--this.#count === 0) this.#slabUsed = 0;
  }

  /** Takes the oldest out, as a copy; there is one. */
  take(): Buffer {
    this.peek(this.#frame);
    const copy = Buffer.allocUnsafe(this.#frame.length);
    this.#frame.copyTo(copy, 0);
    this.drop();
    return copy;
  }

  clear(): void {
    this.#memories = new Array(16);
    this.#starts = new Array(16).fill(0);
    this.#ends = new Array(16).fill(0);
    this.#first = this.#count = this.#bytes = this.#slabUsed = 0;
    this.#slab = undefined;
    this.#spares = [];
    this.#spareBytes = 0;
  }

  /** Memory for a large message of `length` bytes. */
  #memoryFor(length: number): Buffer {
    const spare = this.#spares.pop();
    if (spare === undefined) return Buffer.allocUnsafeSlow(length);
    this.#spareBytes -= spare.length;
    // One that is too small goes: what comes next is likely to be as large.
    return spare.length >= length ? spare : Buffer.allocUnsafeSlow(length);
  }

  /** The slab, with room for `length` more. A full one is kept by the messages in it. */
  #slabFor(length: number): Buffer {
    if (this.#slab === undefined || this.#slabUsed + length > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#slabUsed = 0;
    }
    return this.#slab;
  }

  #grow(): void {
    const ordered = <T>(items: readonly T[]) => {
      const list = [...items.slice(this.#first), ...items.slice(0, this.#first)];
      list.length = items.length * 2;
      return list;
    };
    this.#memories = ordered(this.#memories);
    this.#starts = ordered(this.#starts);
    this.#ends = ordered(this.#ends);
    this.#first = 0;
  }
}
