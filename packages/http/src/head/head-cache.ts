import { CACHED_BLOCK_BYTES } from '../constants.js';
import { parseHeaderBlock, type RequestHead } from './request-head.js';

/** How many are found by their length. */
const RECENT = 256;

/** About what a head takes beyond its block: for itself, and for each name and each value. */
const HEAD_BYTES = 512;
const STRING_BYTES = 64;

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
    const old = this.#old.get(block);
    if (old === undefined && block.length > CACHED_BLOCK_BYTES) return parseHeaderBlock(block);
    const head = old ?? parseHeaderBlock(copyOf(block));
    if (head !== undefined) this.#keep(head);
    return head;
  }

  #keep(head: RequestHead): void {
    const { block, rawHeaders } = head;
    const bytes = block.length + HEAD_BYTES + rawHeaders.length * STRING_BYTES;
    if (this.#youngBytes + bytes > this.#limit) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
      this.#recent.fill(undefined);
    }
    this.#young.set(block, head);
    this.#youngBytes += bytes;
  }
}

/** A part of a string keeps all of it alive: here what came with the block, which may be a body. */
function copyOf(block: string): string {
  return Buffer.from(block, 'latin1').toString('latin1');
}
