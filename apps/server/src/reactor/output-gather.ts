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
export class OutputGather<To extends Sink> {
  readonly #memory = Buffer.allocUnsafeSlow(GATHER_BYTES);
  readonly #copier = new WordCopier(this.#memory);
  readonly #now: () => number;
  readonly #written: (sink: To, bytes: number) => void;
  #sink: To | undefined;
  #used = 0;

  /** `written`: told of each send. */
  constructor(now: () => number, written: (sink: To, bytes: number) => void) {
    this.#now = now;
    this.#written = written;
  }

  /** True while bytes wait for `flush`. */
  get pending(): boolean {
    return this.#used > 0;
  }

  write(sink: To, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (sink !== this.#sink || length > GATHER_BYTES - this.#used) {
      this.flush();
      this.#sink = sink;
    }
    if (length > GATHER_LIMIT) {
      this.flush();
      sink.write(bytes, start, end, this.#now());
      this.#written(sink, length);
      return;
    }
    this.#copier.copy(bytes, start, end, this.#used);
    this.#used += length;
  }

  flush(): void {
    if (this.#used === 0) return;
    const used = this.#used;
    this.#used = 0;
    const sink = this.#sink as To;
    sink.write(this.#memory, 0, used, this.#now());
    this.#written(sink, used);
  }
}
