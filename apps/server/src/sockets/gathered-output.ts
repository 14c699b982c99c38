/** Bytes that go in one record at most; what is longer leaves as several. */
export const RECORD_BYTES = 1 << 18;

/** Where what several writes have said is put together; of all sockets, for it is sent before another is. */
const slab = Buffer.allocUnsafeSlow(RECORD_BYTES);

/**
 * Gets bytes, from `start` to `end`, and whether they are the last that there were. `'sent'`: it takes more; `'enough'`: it has
 * taken these and takes no more now; `'refused'`: it has not taken them.
 */
export type Taker = (
  bytes: Uint8Array,
  start: number,
  end: number,
  last: boolean,
) => 'sent' | 'enough' | 'refused';

/** What one socket has been given to send in this turn: pieces of text and bytes, in their order, not yet copied. */
export class GatheredOutput {
  #pieces: (string | Uint8Array)[] = [];
  #encodings: (BufferEncoding | undefined)[] = [];
  /** Characters and bytes; a character may be up to three bytes. */
  #size = 0;

  get empty(): boolean {
    return this.#pieces.length === 0;
  }

  /** About how many bytes there are. */
  get size(): number {
    return this.#size;
  }

  /** How many bytes there are. */
  get bytes(): number {
    let sum = 0;
    for (const [i, piece] of this.#pieces.entries())
      sum += typeof piece === 'string' ? Buffer.byteLength(piece, this.#encodings[i]) : piece.length;
    return sum;
  }

  add(piece: string | Uint8Array, encoding: BufferEncoding | undefined): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#encodings.push(encoding);
    this.#size += piece.length;
  }

  clear(): void {
    this.#pieces.length = this.#encodings.length = this.#size = 0;
  }

  /** Gives everything to `take`, in as few records as they have room; what it does not take stays here. */
  give(take: Taker): void {
    const pieces = this.#pieces;
    let used = 0;
    for (let i = 0; i < pieces.length; i++) {
      let piece = pieces[i] as string | Uint8Array;
      if (typeof piece === 'string') {
        if (piece.length * 3 <= RECORD_BYTES - used) {
          used += slab.write(piece, used, this.#encodings[i]);
          continue;
        }
        piece = Buffer.from(piece, this.#encodings[i]);
      }
      const isLast = i + 1 === pieces.length;
      if (piece.length <= RECORD_BYTES - used && (used > 0 || !isLast)) {
        slab.set(piece, used);
        used += piece.length;
        continue;
      }
      if (used > 0) {
        const result = take(slab, 0, used, false);
        if (result !== 'sent') return this.#keep(i, result === 'refused' ? used : 0, piece);
        used = 0;
      }
      const left = giveLong(piece, take, isLast);
      if (left !== undefined) return this.#keep(i, 0, left);
    }
    if (used > 0 && take(slab, 0, used, true) === 'refused') return this.#keep(pieces.length, used, NOTHING);
    this.clear();
  }

  /** Keeps the first `used` bytes of the slab, then `first` in place of the piece at `index`, then those behind it. */
  #keep(index: number, used: number, first: Uint8Array): void {
    const rest = [this.#pieces.slice(index + 1), this.#encodings.slice(index + 1)] as const;
    const kept = Buffer.from(slab.subarray(0, used));
    this.#pieces = [];
    this.#encodings = [];
    this.#size = 0;
    this.add(kept, undefined);
    this.add(first, undefined);
    for (const [i, piece] of rest[0].entries()) this.add(piece, rest[1][i]);
  }
}

const NOTHING = Buffer.alloc(0);

/** One piece by itself, without a copy. Returns what is left of it once no more is taken. */
function giveLong(piece: Uint8Array, take: Taker, isLast: boolean): Uint8Array | undefined {
  for (let start = 0; start < piece.length; start += RECORD_BYTES) {
    const end = Math.min(start + RECORD_BYTES, piece.length);
    const result = take(piece, start, end, isLast && end === piece.length);
    if (result !== 'sent') return piece.subarray(result === 'refused' ? start : end);
  }
  return undefined;
}
