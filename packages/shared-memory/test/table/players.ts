/** Several users of one table that all live in this thread, and die when the test says so. */
import { Table, type TableDefinition } from '../../src/index.js';
import type { Columns } from '../../src/table/columns.js';
import { define } from '../../src/table/definition.js';
import { engineOver, type TableUse } from '../../src/table/engine.js';
import { attachTable, formatTable, layoutFor } from '../../src/table/memory.js';

/** Hashes are the same in every run. */
const SEED = 1;

export class Stage<const C extends Columns> {
  readonly buffer: ArrayBuffer;
  readonly #definition: TableDefinition<C>;
  readonly #dead = new Set<number>();
  #players = 0;

  /** An empty table, or one as `contents` has it. */
  constructor(definition: TableDefinition<C>, contents?: ArrayBuffer) {
    this.#definition = definition;
    const found = define(definition);
    this.buffer = contents?.slice(0) ?? new ArrayBuffer(layoutFor(found).bytes);
    if (contents === undefined) formatTable(this.buffer, 0, found, SEED);
  }

  /** A user of the table with a token of its own. */
  player(use: TableUse = {}): { readonly table: Table<C>; readonly die: () => void } {
    const token = ++this.#players;
    const owners = {
      claim: () => token,
      isAlive: (other: number) => !this.#dead.has(other),
      release: () => {},
    };
    const engine = engineOver(attachTable(this.buffer, 0, this.#definition), owners, use);
    const table = new Table<C>({ engine, segment: undefined, closed: () => false });
    return { table, die: () => this.#dead.add(token) };
  }
}
