import { otherBytes } from '@millrace/channel';
import { SharedMemoryError } from '../errors.js';
import type { PlacedColumn } from './layout.js';
import type { Views } from './memory.js';
import { isWellFormed, writeText } from './text.js';

/** A column's values in memory. `copy` is the word at which a copy of a row starts. */
export interface ColumnAccess {
  readonly name: string;
  /** Reads. The copy may be torn: a reader without a lock throws such a result away. */
  read(views: Views, copy: number): unknown;
  /** Writes into memory of this thread's own. Throws `ERR_MILLRACE_TABLE_VALUE` for what does not fit. */
  write(views: Views, copy: number, value: unknown): void;
  /** The sum of what is there and `by`; checked as by `write`. Undefined: the column holds no number. */
  readonly add?: (views: Views, copy: number, by: unknown) => number | bigint;
  /** What an increment adds when nothing is said. */
  readonly one?: number | bigint;
}

const TWO_32 = 2 ** 32;

/** How the values of `column` are read and written. */
export function accessTo(column: PlacedColumn): ColumnAccess {
  switch (column.type) {
    case 'int64':
      return int64Access(column);
    case 'bigint64':
      return bigintAccess(column);
    case 'float64':
      return floatAccess(column);
    case 'string':
      return stringAccess(column);
    case 'bytes':
      return bytesAccess(column);
  }
}

/** Two halves of 32 bits: a BigInt for each value would cost more than the rest of a call. */
function int64Access(column: PlacedColumn): ColumnAccess {
  const { name, at } = column;
  const read = ({ words }: Views, copy: number) =>
    (words[copy + at + 1] ?? 0) * TWO_32 + ((words[copy + at] ?? 0) >>> 0);
  return {
    name,
    read,
    write({ words }, copy, value) {
      if (!Number.isSafeInteger(value)) refuse(column, value, 'a safe integer, of at most 53 bits');
      const low = (value as number) | 0;
      words[copy + at] = low;
      words[copy + at + 1] = ((value as number) - (low >>> 0)) / TWO_32;
    },
    add(views, copy, by) {
      // Of its own: a large sum would round a fraction away.
      if (!Number.isSafeInteger(by)) refuse(column, by, 'a safe integer, of at most 53 bits');
      return read(views, copy) + (by as number);
    },
    one: 1,
  };
}

function bigintAccess(column: PlacedColumn): ColumnAccess {
  const { name, at } = column;
  const read = ({ longs }: Views, copy: number) => longs[(copy + at) >>> 1] ?? 0n;
  return {
    name,
    read,
    write({ longs }, copy, value) {
      if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) {
        refuse(column, value, 'a BigInt of at most 64 bits');
      }
      longs[(copy + at) >>> 1] = value as bigint;
    },
    add(views, copy, by) {
      if (typeof by !== 'bigint') refuse(column, by, 'a BigInt');
      return BigInt.asIntN(64, read(views, copy) + (by as bigint));
    },
    one: 1n,
  };
}

function floatAccess(column: PlacedColumn): ColumnAccess {
  const { name, at } = column;
  const read = ({ floats }: Views, copy: number) => floats[(copy + at) >>> 1] ?? 0;
  return {
    name,
    read,
    write({ floats }, copy, value) {
      if (typeof value !== 'number') refuse(column, value, 'a number');
      floats[(copy + at) >>> 1] = value as number;
    },
    add(views, copy, by) {
      if (typeof by !== 'number') refuse(column, by, 'a number');
      return read(views, copy) + (by as number);
    },
    one: 1,
  };
}

function stringAccess(column: PlacedColumn): ColumnAccess {
  const { name, at, size } = column;
  return {
    name,
    read({ words, bytes }, copy) {
      const length = words[copy + at] ?? 0;
      if (length === 0) return '';
      const start = (copy + at + 1) * 4;
      return bytes.utf8Slice(start, start + Math.min(length >>> 0, size));
    },
    write(views, copy, value) {
      if (typeof value !== 'string') refuse(column, value, 'a string');
      const length = writeText(views, copy + at + 1, value as string, size);
      if (length > size) refuse(column, `text of ${length} bytes`, `at most ${size} bytes as UTF-8`);
      if (!isWellFormed(value as string, length)) refuse(column, value, 'well-formed Unicode');
      views.words[copy + at] = length;
    },
  };
}

function bytesAccess(column: PlacedColumn): ColumnAccess {
  const { name, at, size } = column;
  return {
    name,
    read({ words, bytes }, copy) {
      const start = (copy + at + 1) * 4;
      return Buffer.from(bytes.subarray(start, start + Math.min((words[copy + at] ?? 0) >>> 0, size)));
    },
    write({ words, bytes }, copy, value) {
      const given = value instanceof Uint8Array ? value : otherBytes(value);
      if (given === undefined) refuse(column, value, 'a Buffer, a typed array, a DataView or an ArrayBuffer');
      const { length } = given as Uint8Array;
      if (length > size) refuse(column, `${length} bytes`, `at most ${size} bytes`);
      // The end of the last word is compared and copied with it.
      if (length > 0) words[copy + at + ((length + 3) >> 2)] = 0;
      bytes.set(given as Uint8Array, (copy + at + 1) * 4);
      words[copy + at] = length;
    },
  };
}

function refuse({ name, type }: PlacedColumn, value: unknown, wanted: string): never {
  const shown = typeof value === 'object' && value !== null ? value.constructor?.name : String(value);
  throw new SharedMemoryError(
    'ERR_MILLRACE_TABLE_VALUE',
    `Column '${name}' (${type}) holds ${wanted}, not ${shown} (${typeof value}).`,
  );
}
