import { Frame, type Transport } from './transport.js';

/**
 * Encoded messages that wait, oldest first: for a transport's room, or, in memory, for their reader. A ring of buffers that doubles; the head moves,
 * nothing is shifted.
 */
export class SendQueue {
  #items: (Buffer | undefined)[] = new Array(16);
  #first = 0;
  #count = 0;
  #bytes = 0;
  readonly #frame = new Frame();

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
    const copy = Buffer.allocUnsafeSlow(frame.length);
    frame.copyTo(copy, 0);
    if (this.#count === this.#items.length) this.#grow();
    this.#items[(this.#first + this.#count++) & (this.#items.length - 1)] = copy;
    this.#bytes += copy.length;
  }

  /** Moves what it can to `transport`; true when nothing is left. */
  drainTo(transport: Transport): boolean {
    while (this.#count > 0) {
      const item = this.#items[this.#first] as Buffer;
      this.#frame.setBody(item);
      if (!transport.trySend(this.#frame)) return false;
      this.shift();
    }
    return true;
  }

  /** Takes the oldest out. */
  shift(): Buffer | undefined {
    if (this.#count === 0) return undefined;
    const item = this.#items[this.#first] as Buffer;
    this.#items[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#items.length - 1);
    this.#count--;
    this.#bytes -= item.length;
    return item;
  }

  clear(): void {
    this.#items = new Array(16);
    this.#first = this.#count = this.#bytes = 0;
  }

  #grow(): void {
    const ordered = [...this.#items.slice(this.#first), ...this.#items.slice(0, this.#first)];
    ordered.length = this.#items.length * 2;
    this.#items = ordered;
    this.#first = 0;
  }
}
