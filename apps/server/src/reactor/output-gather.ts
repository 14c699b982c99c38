import { copyBytes } from '@millrace/channel';
import type { Connection } from '@millrace/reactor';
import { GATHER_BYTES, GATHER_LIMIT } from '../constants.js';

/**
 * Gathers small answers to one connection to one send. A worker answers the messages of one client in a row, so only
 * the connection that was written to last is gathered for.
 */
export class OutputGather {
  readonly #memory = Buffer.allocUnsafeSlow(GATHER_BYTES);
  #connection: Connection<unknown> | undefined;
  #used = 0;

  /** True while bytes wait for `flush`. */
  get pending(): boolean {
    return this.#used > 0;
  }

  write(connection: Connection<unknown>, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (connection !== this.#connection || length > GATHER_BYTES - this.#used) {
      this.flush();
      this.#connection = connection;
    }
    if (length > GATHER_LIMIT) {
      this.flush();
      connection.write(bytes, start, end);
      return;
    }
    copyBytes(bytes, start, end, this.#memory, this.#used);
    this.#used += length;
  }

  flush(): void {
    if (this.#used === 0) return;
    const used = this.#used;
    this.#used = 0;
    this.#connection?.write(this.#memory, 0, used);
  }
}
