import { didYouMean } from '@millrace/channel';
import { SharedMemoryError } from '../errors.js';
import { EXPIRES, type TableLayout } from './layout.js';
import { type Views, viewsOf } from './memory.js';
import { type RowReader, type RowWriter, rowFunctions } from './shape.js';
import { copyWords } from './stores.js';
import { accessTo, type ColumnAccess } from './values.js';

/** Values that were given for a row, encoded and checked before any lock is taken. */
export interface RowScratch {
  readonly views: Views;
  /** By the index of the column: 1, a value was given. */
  readonly named: Uint8Array;
}

/** Rows of one table between JavaScript and memory. */
export class RowCodec {
  readonly read: RowReader;
  readonly #access: readonly ColumnAccess[];
  readonly #write: RowWriter;
  readonly #names: readonly string[];
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #copyWords: number;
  readonly #expires: boolean;
  readonly #ignoresUnknown: boolean;
  /** By the index of the column: its first word in a copy, its words, and whether these begin with a length. */
  readonly #at: Int32Array;
  readonly #words: Int32Array;
  readonly #sized: Uint8Array;
  /** What a new row's other columns are. */
  readonly #blank: Int32Array;

  constructor({ columns, copyWords }: TableLayout, expires: boolean, ignoresUnknown: boolean) {
    this.#ignoresUnknown = ignoresUnknown;
    this.#names = columns.map(({ name }) => name);
    this.#indexes = new Map(this.#names.map((name, i) => [name, i]));
    this.#access = columns.map(accessTo);
    const { read, write } = rowFunctions(this.#access);
    this.read = read;
    this.#write = write;
    this.#copyWords = copyWords;
    this.#expires = expires;
    this.#at = Int32Array.from(columns, ({ at }) => at);
    this.#words = Int32Array.from(columns, ({ words }) => words);
    this.#sized = Uint8Array.from(columns, ({ type }) => (type === 'string' || type === 'bytes' ? 1 : 0));
    this.#blank = new Int32Array(copyWords);
  }

  scratch(): RowScratch {
    const bytes = Math.max(this.#copyWords * 4, 8);
    return { views: viewsOf(new ArrayBuffer(bytes), 0, bytes), named: new Uint8Array(this.#names.length) };
  }

  /** The index of a column. Throws `ERR_MILLRACE_TABLE_COLUMN` when there is none of that name. */
  column(name: string): number {
    const index = this.#indexes.get(name);
    if (index !== undefined) return index;
    throw new SharedMemoryError(
      'ERR_MILLRACE_TABLE_COLUMN',
      `This table has no column ${JSON.stringify(name)}${didYouMean(name, this.#names)}`,
    );
  }

  /** How the values of a column are read and written, by the index that `column` gave. */
  access(column: number): ColumnAccess {
    return this.#access[column] as ColumnAccess;
  }

  /** The index of a column of numbers. Throws `ERR_MILLRACE_TABLE_COLUMN`. */
  numericColumn(name: string): number {
    const index = this.column(name);
    if (this.access(index).add !== undefined) return index;
    throw new SharedMemoryError(
      'ERR_MILLRACE_TABLE_COLUMN',
      `Column '${name}' holds no number, so nothing can be added to it.`,
    );
  }

  /** Encodes the columns that `values` names. Throws `ERR_MILLRACE_TABLE_COLUMN` for an unknown one, unless those are ignored. */
  encode(values: Readonly<Record<string, unknown>>, { views, named }: RowScratch): void {
    const given = this.#write(values, views, 0, named);
    // Most rows name columns alone, each with a value: that they are as many is quicker to see than which.
    if (this.#ignoresUnknown || Object.keys(values).length === given) return;
    for (const name of Object.keys(values)) if (values[name] !== undefined) this.column(name);
  }

  /** Encodes what a row is expected to hold. Throws `ERR_MILLRACE_TABLE_COLUMN` for nothing or an unknown column. */
  encodeExpected(expected: Readonly<Record<string, unknown>>, scratch: RowScratch): void {
    const names = Object.keys(expected).filter((name) => expected[name] !== undefined);
    if (names.length === 0) {
      throw new SharedMemoryError(
        'ERR_MILLRACE_TABLE_COLUMN',
        'An empty expectation fits every row; name at least one column that is to be compared.',
      );
    }
    for (const name of names) this.column(name);
    this.encode(expected, scratch);
  }

  /** Encodes one column alone. */
  encodeOne(index: number, value: unknown, { views, named }: RowScratch): void {
    named.fill(0);
    this.access(index).write(views, 0, value);
    named[index] = 1;
  }

  /** The first word of a column in a copy. */
  at(column: number): number {
    return this.#at[column] ?? 0;
  }

  setExpiry({ views }: RowScratch, at: number): void {
    views.floats[EXPIRES] = at;
  }

  /** Fills the copy at `to`: named columns from `scratch`, others from the copy at `base`; -1: they are empty. */
  compose(words: Int32Array, to: number, { views, named }: RowScratch, base: number): void {
    const given = views.words;
    if (this.#expires) copyWords(words, to + EXPIRES, given, EXPIRES, 2);
    for (let i = 0; i < named.length; i++) {
      const at = this.#at[i] ?? 0;
      if (named[i] === 1) this.#copy(words, to + at, given, at, i);
      else if (base >= 0) this.#copy(words, to + at, words, base + at, i);
      else this.#copy(words, to + at, this.#blank, at, i);
    }
  }

  /** Whether the copy at `copy` has the named columns as `scratch` has them, word by word: 0 is not -0. */
  equals(words: Int32Array, copy: number, { views, named }: RowScratch): boolean {
    const given = views.words;
    for (let i = 0; i < named.length; i++) {
      if (named[i] === 0) continue;
      const at = this.#at[i] ?? 0;
      const length = this.#length(given, at, i);
      for (let k = 0; k < length; k++) {
        if (given[at + k] !== words[copy + at + k]) return false;
      }
    }
    return true;
  }

  #copy(words: Int32Array, to: number, source: Int32Array, from: number, column: number): void {
    copyWords(words, to, source, from, this.#length(source, from, column));
  }

  /** Words of a column's value that mean something. */
  #length(words: Int32Array, at: number, column: number): number {
    return this.#sized[column] === 1 ? 1 + (((words[at] ?? 0) + 3) >>> 2) : (this.#words[column] ?? 0);
  }
}
