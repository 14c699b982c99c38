import { type Opened, tableAsItIs } from './open.js';
import { countRows } from './stats.js';

/** How full a table is, read by what knows nothing of its rows. */
export class TableUsage {
  readonly #opened: Opened;

  /** `descriptor`: of an anonymous table; it stays the caller's. Throws what is no table. */
  constructor(descriptor: number) {
    this.#opened = tableAsItIs(descriptor);
  }

  /** Rows that are there now, as the counters say; more than there is room for where some process has written over them. */
  get rows(): number {
    return countRows(this.#opened.engine);
  }

  get capacity(): number {
    return this.#opened.engine.memory.layout.rows;
  }

  get bytes(): number {
    return this.#opened.engine.memory.layout.bytes;
  }

  close(): void {
    this.#opened.segment?.close();
  }
}
