import type { ChildProcessContext } from '@millrace/process-pool';
import { type Columns, Table, type TableDefinition } from '@millrace/shared-memory';
import { ServerError } from '../errors.js';
import { type Descriptors, sharedTableName } from '../links/descriptor-names.js';

/**
 * Tables of the user's in memory without a name: the master makes them before it starts a process, and hands them down. So
 * no other program can open or have made them, two servers never share one, and none outlives its server.
 */
export class SharedTables {
  readonly #child: ChildProcessContext | undefined;
  readonly #tables = new Map<string, { readonly descriptor: number; readonly table: Table<Columns> }>();

  /** `child`: undefined in the master. */
  constructor(child: ChildProcessContext | undefined) {
    this.#child = child;
  }

  get names(): string[] {
    return [...this.#tables.keys()];
  }

  /** How often this process has read each of them. */
  *reads(): Generator<{ readonly name: string; readonly hits: number; readonly misses: number }> {
    for (const [name, { table }] of this.#tables) yield { name, ...table.reads };
  }

  /** In the master. */
  get descriptors(): Descriptors {
    const entries = [...this.#tables].map(([name, { descriptor }]) => [sharedTableName(name), descriptor]);
    return Object.fromEntries(entries) as Descriptors;
  }

  /** Throws `ERR_MILLRACE_OPTION`, and what `Table.anonymous` and `Table.fromDescriptor` throw. */
  add<const C extends Columns>(name: string, definition: TableDefinition<C>): Table<C> {
    if (typeof name !== 'string' || name === '' || this.#tables.has(name)) {
      const why = this.#tables.has(name) ? 'there is one already' : 'a name is a string that is not empty';
      throw new ServerError(
        'ERR_MILLRACE_OPTION',
        `No table can be added as ${JSON.stringify(name)}: ${why}.`,
      );
    }
    if (this.#child === undefined) {
      const table = Table.anonymous(definition);
      this.#tables.set(name, { descriptor: table.descriptor, table: table as unknown as Table<Columns> });
      return table;
    }
    const descriptor = this.#child.descriptors.get(sharedTableName(name));
    if (descriptor === undefined) {
      const message =
        `The master of this server has no table '${name}': tables are made when the server starts. ` +
        'Add it before start, in every process, and start the server anew; a reload is not enough.';
      throw new ServerError('ERR_MILLRACE_OPTION', message);
    }
    const table = Table.fromDescriptor(descriptor, definition);
    // The descriptor stays this process's: a manager hands it on.
    this.#tables.set(name, { descriptor, table: table as unknown as Table<Columns> });
    return table;
  }
}
