import { type Bytes, checkOptions, optionNames } from '@millrace/channel';

/** How a column lies in memory. `bigint64` is an int64 whose values are BigInt. */
export type ColumnType = 'int64' | 'bigint64' | 'float64' | 'string' | 'bytes';

/**
 * A column of a table: `Out` is what reading gives, `In` what may be written. Made by
 * {@link column}.
 */
export interface Column<Out = unknown, In = unknown> {
  readonly type: ColumnType;
  /** Bytes that a value may take; 8 for numbers. */
  readonly size: number;
  /** Of the type only; never there. */
  readonly values?: { readonly out: Out; readonly in: In };
}

/** Columns by name. */
export type Columns = Readonly<Record<string, Column>>;

/** A row as it is read: all columns. */
export type Row<C extends Columns> = { [Name in keyof C]: Out<C[Name]> };

/** A row as it is written: the columns to change. */
export type Values<C extends Columns> = { [Name in keyof C]?: In<C[Name]> | undefined };

/** What reading a column gives. */
export type Out<C extends Column> = C extends Column<infer Value, unknown> ? Value : never;
type In<C extends Column> = C extends Column<unknown, infer Value> ? Value : never;

/** The names of the columns that can be incremented. */
export type NumericName<C extends Columns> = {
  [Name in keyof C]: Out<C[Name]> extends number | bigint ? Name : never;
}[keyof C] &
  string;

const INT64_OPTIONS = optionNames<{ readonly bigint: true }>({ bigint: true });
const NUMBER_BYTES = 8;

/**
 * A signed 64-bit integer. Its values are safe integers (of at most 53 bits), as numbers; what would leave that range
 * is refused with `ERR_MILLRACE_TABLE_VALUE`. With `bigint` they are BigInt, of all 64 bits, and increments wrap.
 */
function int64(): Column<number, number>;
function int64(options: { readonly bigint: true }): Column<bigint, bigint>;
function int64(options?: { readonly bigint: true }): Column<number, number> | Column<bigint, bigint> {
  checkOptions(options, INT64_OPTIONS, 'column.int64()');
  return { type: options?.bigint ? 'bigint64' : 'int64', size: NUMBER_BYTES };
}

/** A 64-bit floating point number. */
function float64(): Column<number, number> {
  return { type: 'float64', size: NUMBER_BYTES };
}

/** Text of up to `size` bytes as UTF-8; longer text is refused with `ERR_MILLRACE_TABLE_VALUE`, never cut. */
function string(size: number): Column<string, string> {
  return { type: 'string', size };
}

/** Up to `size` bytes; more are refused with `ERR_MILLRACE_TABLE_VALUE`. Every view of bytes is taken whole. Reading gives a copy. */
function bytes(size: number): Column<Buffer, Bytes> {
  return { type: 'bytes', size };
}

/** The kinds of columns: `{ name: column.string(32), hits: column.int64() }`. */
export const column = { int64, float64, string, bytes } as const;
