/**
 * Tables: rows of fixed columns under string keys, in memory that any number of processes and threads read and change.
 *
 * ```ts
 * import { column, Table } from '@millrace/shared-memory/table';
 *
 * const visits = Table.openOrCreate('/visits', { rows: 10_000, columns: { name: column.string(32), hits: column.int64() } });
 * visits.increment('ada', 'hits'); // 1
 * ```
 *
 * @packageDocumentation
 */
export {
  type Column,
  type Columns,
  type ColumnType,
  column,
  type NumericName,
  type Out,
  type Row,
  type Values,
} from './table/columns.js';
export type { OpenDefinition, TableDefinition } from './table/definition.js';
export type { TableUse } from './table/engine.js';
export type { TableOptions } from './table/open.js';
export type { TableStats } from './table/stats.js';
export { Table } from './table/table.js';
