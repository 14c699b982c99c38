import type { FrameVisitor } from '@millrace/channel';
import { type Framer, MALFORMED } from './framer.js';

/** A frame that began in one read and goes on in the next is kept here; at most one for each connection. */
const MIN_KEEP = 256;

/**
 * Cuts what a connection reads to frames. Reads go to memory that all connections of a reactor share; only the
 * beginning of a frame that is not whole yet is copied, and a large one is read straight to where it will be whole.
 */
export class FrameInput {
  readonly #framer: Framer;
  readonly #shared: Buffer;
  #kept: Buffer | undefined;
  #keptBytes = 0;
  /** Kept bytes that are known to hold no end of a frame. */
  #scanned = 0;
  /** Where the next read goes: the shared memory behind a copy of what was kept, or the kept frame's own. */
  target: Buffer;
  offset = 0;

  constructor(framer: Framer, shared: Buffer) {
    this.#framer = framer;
    this.#shared = shared;
    this.target = shared;
  }

  /** Chooses `target` and `offset` for the next read. */
  prepare(): void {
    const kept = this.#kept;
    if (kept === undefined) {
      this.target = this.#shared;
      this.offset = 0;
    } else if (Math.max(this.#framer.needed, this.#keptBytes) > this.#shared.length / 2) {
      this.target = kept;
      this.offset = this.#keptBytes;
    } else {
      kept.copy(this.#shared, 0, 0, this.#keptBytes);
      this.target = this.#shared;
      this.offset = this.#keptBytes;
    }
  }

  /**
   * Takes `count` bytes that were read to `target` at `offset`, and visits the frames they complete until `wanted` says
   * no. Returns false when the stream is malformed. What a visitor throws comes out; the frames after it are kept.
   */
  take(count: number, visit: FrameVisitor, wanted: () => boolean): boolean {
    const { target } = this;
    const end = this.offset + count;
    let start = 0;
    let scanned = this.#scanned;
    try {
      while (start < end && wanted()) {
        const length = this.#framer.measure(target, start, end, scanned);
        scanned = 0;
        if (length === MALFORMED) return false;
        if (length === 0) {
          scanned = end - start;
          break;
        }
        const frame = start;
        // Before the visit: a frame whose visitor throws is not visited again.
        start += length;
        visit(target, frame, start - this.#framer.trailer);
      }
    } finally {
      this.#keep(target, start, end, scanned);
    }
    return true;
  }

  #keep(source: Buffer, start: number, end: number, scanned: number): void {
    const bytes = end - start;
    this.#scanned = scanned;
    this.#keptBytes = bytes;
    if (bytes === 0) {
      this.#kept = undefined;
      return;
    }
    const needed = this.#framer.needed;
    const room = needed > bytes ? needed : Math.max(MIN_KEEP, bytes * 2);
    if (this.#kept !== undefined && this.#kept.length >= Math.max(needed, bytes + 1)) {
      if (source !== this.#kept || start > 0) source.copy(this.#kept, 0, start, end);
      return;
    }
    const kept = Buffer.allocUnsafe(room);
    source.copy(kept, 0, start, end);
    this.#kept = kept;
  }
}
