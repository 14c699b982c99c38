/**
 * Bytes that come in pieces and are needed as one. From the third piece on the memory has room behind what it holds, so that what
 * waits is not copied with each small piece of a client: a byte is copied twice on average, however many pieces there are.
 */
export class JoinedBytes {
  /** Holds what was joined last, which ends at `#end`; nothing behind that has been given to anybody. */
  #memory: Buffer | undefined;
  #end = 0;

  /** `bytes`, or what is left of them since they were joined, and behind them `piece`. Both stay as they are. */
  join(bytes: Buffer, piece: Buffer): Buffer {
    const memory = this.#memory;
    const length = bytes.length + piece.length;
    const isOurs =
      memory?.buffer === bytes.buffer && bytes.byteOffset + bytes.length === memory.byteOffset + this.#end;
    if (isOurs && this.#end + piece.length <= memory.length) {
      const start = this.#end - bytes.length;
      piece.copy(memory, this.#end);
      this.#end += piece.length;
      return memory.subarray(start, this.#end);
    }
    // Most come in two pieces, and what a program keeps of those is to keep no more alive.
    const joined = Buffer.allocUnsafeSlow(isOurs ? length * 2 : length);
    bytes.copy(joined);
    piece.copy(joined, bytes.length);
    this.#memory = joined;
    this.#end = length;
    return joined.subarray(0, length);
  }
}
