import { WordCopier } from '@millrace/channel/internal';
import { GATHER_BYTES, GATHER_LIMIT } from '../constants.js';

/** Where gathered output goes. */
export interface Sink {
  write(bytes: Uint8Array, start: number, end: number, now: number): void;
}

/**
 * Gathers small answers to one client to one send. A worker answers the messages of one client in a row, so only the
 * client that was written to last is gathered for.
 */
export class OutputGather {
  readonly #memory = Buffer.allocUnsafeSlow(GATHER_BYTES);
  readonly #copier = new WordCopier(this.#memory);
  readonly #now: () => number;
  #sink: Sink | undefined;
  #used = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** True while bytes wait for `flush`. */
  get pending(): boolean {
    return this.#used > 0;
  }

  write(sink: Sink, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (sink !== this.#sink || length > GATHER_BYTES - this.#used) {
      this.flush();
      this.#sink = sink;
    }
    if (length > GATHER_LIMIT) {
      this.flush();
      sink.write(bytes, start, end, this.#now());
      return;
    }
    this.#copier.copy(bytes, start, end, this.#used);
    this.#used += length;
  }

  flush(): void {
    if (this.#used === 0) return;
    const used = this.#used;
    this.#used = 0;
    this.#sink?.write(this.#memory, 0, used, this.#now());
  }
}
