import { copyBytes, WordCopier } from './copying.js';

/** Bytes of a slab: twice what Node cuts its own small buffers from. */
const SLAB_BYTES = 16 * 1024;
/** Bytes of the largest message that is cut from a slab: beyond, copying costs more than a buffer. */
const LARGEST = 192;

/**
 * Copies messages to buffers of their own. Small ones lie next to each other in a slab, so that each costs a view and
 * words, half of what a buffer of Node's and a copy by the runtime cost. A message that is kept keeps its slab.
 */
export class Slabs {
  #memory = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #copier = new WordCopier(this.#memory);
  #used = 0;

  /** A copy of `memory[start, end)`. */
  copy(memory: Uint8Array, start: number, end: number): Buffer {
    const length = end - start;
    if (length > LARGEST) {
      const copy = Buffer.allocUnsafe(length);
      copyBytes(memory, start, end, copy, 0);
      return copy;
    }
    if (this.#used + length > SLAB_BYTES) this.#renew();
    const at = this.#used;
    // As with Node's own, typed arrays of any kind can be made where it begins.
    this.#used = (at + length + 7) & ~7;
    this.#copier.copy(memory, start, end, at);
    return this.#memory.subarray(at, at + length);
  }

  #renew(): void {
    this.#memory = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#copier = new WordCopier(this.#memory);
    this.#used = 0;
  }
}
