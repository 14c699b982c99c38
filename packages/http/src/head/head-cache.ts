import { CACHED_BLOCK_BYTES } from '../constants.js';
import { parseHeaderBlock, type RequestHead } from './request-head.js';

/** How many are found by their length. */
const RECENT = 256;

/**
 * The heads of header blocks that have come before: most clients send the same one with each request. Bounded by bytes in two
 * generations: what was not asked for while a half of them came anew is dropped.
 */
export class HeadCache {
  readonly #limit: number;
  #young = new Map<string, RequestHead>();
  #old = new Map<string, RequestHead>();
  #youngBytes = 0;
  /** Those of the young generation that were last asked for, by their length: to compare a block is less than to hash it. */
  readonly #recent = new Array<RequestHead | undefined>(RECENT).fill(undefined);

  constructor(bytes: number) {
    this.#limit = bytes / 2;
  }

  /** As `parseHeaderBlock`. */
  head(block: string): RequestHead | undefined {
    const recent = this.#recent[block.length % RECENT];
    if (recent?.block === block) return recent;
    const known = this.#young.get(block);
    if (known !== undefined) {
      this.#recent[block.length % RECENT] = known;
      return known;
    }
    const head = this.#old.get(block) ?? parseHeaderBlock(block);
    if (head !== undefined && block.length <= CACHED_BLOCK_BYTES) this.#keep(block, head);
    return head;
  }

  #keep(block: string, head: RequestHead): void {
    if (this.#youngBytes + block.length > this.#limit) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
      this.#recent.fill(undefined);
    }
    this.#young.set(block, head);
    this.#youngBytes += block.length;
  }
}
