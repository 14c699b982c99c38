import { SharedMemoryError } from '../errors.js';
import { DEFAULT_SLOTS, MAX_SLOTS } from '../owner/layout.js';
import type { Columns, ColumnType } from './columns.js';

export const MIN_ROWS = 1;
export const MAX_ROWS = 1 << 28;
export const MAX_KEY_BYTES = 1 << 16;
export const MAX_COLUMNS = 1024;
/** A Buffer of Node 20 is no longer than this. */
export const MAX_BYTES = 2 ** 32;

/** What a table is made of. */
export interface TableDefinition<C extends Columns> {
  /** How many rows it holds, whatever their keys: from 1 to 2^28. */
  readonly rows: number;
  readonly columns: C;
  /** Bytes that a key may have as UTF-8, from 1 to 65,536. Default 63. */
  readonly keyBytes?: number | undefined;
  /** Milliseconds that a row lives after it was last written. Default: for ever. */
  readonly ttl?: number | undefined;
  /** `'lru'`: a full table makes room by evicting a row that has not been used for long. Default: it says no. */
  readonly eviction?: 'lru' | undefined;
  /** Threads of processes that may have the table open at a time. Default 256, at most 4,096. */
  readonly owners?: number | undefined;
}

/** What may be left out to open a table that is there: it knows. What is given must agree. */
export type OpenDefinition<C extends Columns> = Partial<TableDefinition<C>> & { readonly columns: C };

export interface StoredColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly size: number;
}

/** A definition with its defaults, as it is stored in the table. */
export interface Definition {
  readonly rows: number;
  readonly keyBytes: number;
  /** Milliseconds; 0: for ever. */
  readonly ttl: number;
  readonly eviction: 'lru' | 'none';
  readonly owners: number;
  readonly columns: readonly StoredColumn[];
}

const DEFAULT_KEY_BYTES = 63;
const MAX_NAME_BYTES = 255;

/** Checks a definition and fills in its defaults. Throws `ERR_MILLRACE_TABLE_DEFINITION`. */
export function define(definition: TableDefinition<Columns>): Definition {
  const { rows, keyBytes = DEFAULT_KEY_BYTES, ttl, eviction, owners = DEFAULT_SLOTS } = definition;
  const columns = storedColumns(definition.columns);
  integer('rows', rows, MIN_ROWS, MAX_ROWS);
  integer('keyBytes', keyBytes, 1, MAX_KEY_BYTES);
  integer('owners', owners, 1, MAX_SLOTS);
  if (ttl !== undefined && !(ttl > 0 && Number.isFinite(ttl))) {
    refuse(
      `ttl must be a number of milliseconds above 0, not ${ttl}; leave it out for rows that do not expire.`,
    );
  }
  if (eviction !== undefined && eviction !== 'lru') {
    refuse(`eviction must be 'lru' or left out, not ${JSON.stringify(eviction)}.`);
  }
  return { rows, keyBytes, ttl: ttl ?? 0, eviction: eviction ?? 'none', owners, columns };
}

/** Checks columns alone. Throws `ERR_MILLRACE_TABLE_DEFINITION`. */
function storedColumns(columns: Columns): StoredColumn[] {
  const entries = Object.entries(columns);
  integer('the number of columns', entries.length, 1, MAX_COLUMNS);
  return entries.map(([name, { type, size }]) => {
    const bytes = Buffer.byteLength(name);
    if (bytes === 0 || bytes > MAX_NAME_BYTES || name in Object.prototype || /^\d+$/.test(name)) {
      refuse(
        `a column cannot be named ${JSON.stringify(name)}: a name has 1 to ${MAX_NAME_BYTES} bytes, is no number and ` +
          'not the name of a property that every object has.',
      );
    }
    integer(`the size of column '${name}'`, size, 1, MAX_BYTES / 2);
    return { name, type, size };
  });
}

export function definitionText(definition: Definition): string {
  return JSON.stringify(definition);
}

/** Reads what {@link definitionText} wrote; undefined when it is something else. */
export function parseDefinition(text: string): Definition | undefined {
  try {
    const { columns, rows, keyBytes, ttl, eviction, owners } = JSON.parse(text) as Definition;
    const named = Object.fromEntries(columns.map(({ name, type, size }) => [name, { type, size }]));
    return define({
      rows,
      keyBytes,
      ttl: ttl === 0 ? undefined : ttl,
      eviction: eviction === 'none' ? undefined : eviction,
      owners,
      columns: named,
    });
  } catch {
    return undefined;
  }
}

/** Refuses a definition without columns: they are how rows are read. Throws `ERR_MILLRACE_TABLE_DEFINITION`. */
export function assertDefinition(definition: unknown): void {
  const { columns } = (definition ?? {}) as { readonly columns?: unknown };
  if (typeof columns === 'object' && columns !== null && !Array.isArray(columns)) return;
  const came =
    definition === null || typeof definition !== 'object' ? String(definition) : `columns: ${columns}`;
  refuse(
    `it must be an object with columns, such as { columns: { hits: column.int64() } }, not ${came}; opening a table needs ` +
      'them too.',
  );
}

/** How what is asked for differs from what is there, in words; empty when it does not. */
export function differences(there: Definition, asked: OpenDefinition<Columns>): string[] {
  const found: string[] = [];
  const compare = (what: string, stored: unknown, wanted: unknown) => {
    if (stored !== wanted) found.push(`${what} is ${stored} there, ${wanted} was asked for`);
  };
  for (const name of ['rows', 'keyBytes', 'ttl', 'owners', 'eviction'] as const) {
    if (asked[name] !== undefined) compare(name, there[name], asked[name]);
  }
  const wanted = storedColumns(asked.columns);
  const length = Math.max(there.columns.length, wanted.length);
  for (let i = 0; i < length; i++) {
    compare(`column ${i + 1}`, show(there.columns[i]), show(wanted[i]));
  }
  return found;
}

function show(column: StoredColumn | undefined): string {
  if (column === undefined) return 'none';
  const { name, type, size } = column;
  return type === 'string' || type === 'bytes' ? `${name} ${type}(${size})` : `${name} ${type}`;
}

function integer(what: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  refuse(`${what} must be an integer from ${min} to ${max}, not ${value}.`);
}

function refuse(why: string): never {
  throw new SharedMemoryError('ERR_MILLRACE_TABLE_DEFINITION', `Table definition: ${why}`);
}
