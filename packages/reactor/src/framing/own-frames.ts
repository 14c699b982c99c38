/** Bytes from which a frame is worth memory of its own. */
export const LARGE_FRAME = 16 * 1024;
/** The part of a memory that its frame may leave unused, as a shift: what keeps the frame keeps that as well. */
const MOST_UNUSED = 3;

/**
 * Memory of their own for large frames, which is their receiver's once they are whole: one for all inputs that share a framer.
 * A frame that has begun says how long it will be. One that has not is expected to be as long as the latest one was: then it is read
 * to memory that it fills, and where something else comes, that is delivered as from shared memory, and the next read has the memory.
 */
export class OwnFrames {
  readonly #most: number;
  /** Bytes of the next frame, if it is like the latest; 0: it would not be worth it. */
  #expected = 0;
  #next: Buffer | undefined;
  /** Whether the frame that is visited now has its memory for itself. */
  visited = false;

  /** `most`: bytes of the longest frame that is read to memory of its own before its length is known. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Memory for a read that begins a frame; undefined: no large one is expected. */
  get next(): Buffer | undefined {
    if (this.#expected === 0) return undefined;
    if (this.#next?.length !== this.#expected) this.#next = Buffer.allocUnsafeSlow(this.#expected);
    return this.#next;
  }

  /** The latest frame, or the one that has begun, has so many bytes. */
  expect(bytes: number): void {
    this.#expected = bytes >= LARGE_FRAME && bytes <= this.#most ? bytes : 0;
  }

  /** Whether a frame of so many bytes may have all of `memory`. */
  fills(memory: Buffer, bytes: number): boolean {
    const unused = memory.length - bytes;
    return bytes >= LARGE_FRAME && unused >= 0 && unused <= memory.length >> MOST_UNUSED;
  }

  isNext(memory: Buffer): boolean {
    return memory === this.#next;
  }

  /** `memory` is somebody's from now on. */
  give(memory: Buffer): void {
    if (memory === this.#next) this.#next = undefined;
  }
}
