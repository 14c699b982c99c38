/** What the tests of Table share. */
import {
  type Columns,
  SharedMemoryError,
  Table,
  type TableDefinition,
  type TableOptions,
} from '../../src/index.js';

/** Runs `body` with an anonymous table and closes it. */
export function withTable<const C extends Columns>(
  definition: TableDefinition<C>,
  body: (table: Table<C>) => void,
  options: TableOptions = {},
): void {
  const table = Table.anonymous(definition, options);
  try {
    body(table);
  } finally {
    table.close();
  }
}

/** The code of the error that `action` throws; undefined when it throws none. */
export function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof SharedMemoryError) return error.code;
    throw error;
  }
  return undefined;
}

/** A linear congruential generator (Numerical Recipes): the same numbers for the same seed, in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
