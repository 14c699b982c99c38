import { shown } from '@millrace/channel';
import { SharedMemoryError } from '../errors.js';
import type { SegmentName } from '../segment/name.js';
import type { RowScratch } from './codec.js';
import type { Columns, NumericName, Out, Row, Values } from './columns.js';
import { define, type OpenDefinition, type TableDefinition } from './definition.js';
import type { Engine } from './engine.js';
import { layoutFor } from './memory.js';
import * as opening from './open.js';
import { countRows, statsOf, type TableStats } from './stats.js';
import { EXISTS, STORED } from './writer.js';

/**
 * Rows of fixed columns under string keys, in memory that threads and processes share.
 *
 * Every operation on a key is atomic: it has happened or it has not, also when the process that does it is killed at
 * any instruction. Readers (`get`, `has`, iteration) take no lock, never wait and never see a part of a change.
 * Writers lock one of up to 1,024 stripes of the table, for less than a microsecond; a lock is taken over from an owner
 * that has died, and never from one that lives.
 *
 * Notes. An object is for one thread; open the table again in another. Of a row that is changed all the time, `get`
 * tries until it has read it between two changes. `count`, `stats` and iteration are not one moment in time.
 */
export class Table<C extends Columns> implements Disposable {
  readonly #opened: opening.Opened;
  readonly #engine: Engine;
  readonly #scratch: RowScratch;
  readonly #expected: RowScratch;
  #hits = 0;
  #misses = 0;

  /** @internal Tables are made by the functions below. */
  constructor(opened: opening.Opened) {
    this.#opened = opened;
    this.#engine = opened.engine;
    this.#scratch = opened.engine.codec.scratch();
    this.#expected = opened.engine.codec.scratch();
  }

  /** Makes a table under a name ('/visits', or a System V key). Throws `ERR_MILLRACE_SEGMENT_EXISTS`, `…_NO_MEMORY`. */
  static create<const C extends Columns>(
    name: SegmentName,
    definition: TableDefinition<C>,
    options: opening.TableOptions = {},
  ): Table<C> {
    return new Table(opening.createTable(name, definition, options));
  }

  /** Opens a table that is there. Throws `ERR_MILLRACE_SEGMENT_MISSING`, and `…_TABLE_MISMATCH` naming differences. */
  static open<const C extends Columns>(
    name: SegmentName,
    definition: OpenDefinition<C>,
    options: opening.TableOptions = {},
  ): Table<C> {
    return new Table(opening.openTable(name, definition, options));
  }

  /** Opens a table or makes it: of several callers at once one does. Throws as `open` and `create` do. */
  static openOrCreate<const C extends Columns>(
    name: SegmentName,
    definition: TableDefinition<C>,
    options: opening.TableOptions = {},
  ): Table<C> {
    return new Table(opening.openOrCreateTable(name, definition, options));
  }

  /** Makes a table without a name, for those that get its {@link Table.descriptor}; it goes with its last user. */
  static anonymous<const C extends Columns>(
    definition: TableDefinition<C>,
    options: opening.TableOptions = {},
  ): Table<C> {
    return new Table(opening.anonymousTable(definition, options));
  }

  /** Opens an anonymous table that was handed on. The descriptor stays the caller's, and may be closed at once. */
  static fromDescriptor<const C extends Columns>(
    descriptor: number,
    definition: OpenDefinition<C>,
    options: opening.TableOptions = {},
  ): Table<C> {
    return new Table(opening.tableFrom(descriptor, definition, options));
  }

  /** The bytes that a table of this definition takes, all of them when it is created and never more. */
  static bytesFor(definition: TableDefinition<Columns>): number {
    return layoutFor(define(definition)).bytes;
  }

  /**
   * Stores the columns that `values` names: in the row that is there, whose other columns stay, or in a new one, whose
   * others are 0 or empty. False when there is no row and no room for one.
   *
   * This and all below throw `ERR_MILLRACE_TABLE_COLUMN`, `…_KEY` and `…_VALUE` before anything is changed, `…_TABLE_BUSY` when a
   * stopped process holds the key's stripe, and `ERR_MILLRACE_CLOSED` after `close`.
   */
  set(key: string, values: Values<C>): boolean {
    this.#encode(key, values);
    return this.#engine.writer.store('set', this.#scratch) === STORED;
  }

  /** Stores a new row. `'exists'`: there is one with this key, and it stays as it is. `'full'`: there is no room. */
  add(key: string, values: Values<C>): 'added' | 'exists' | 'full' {
    this.#encode(key, values);
    const outcome = this.#engine.writer.store('add', this.#scratch);
    return outcome === STORED ? 'added' : outcome === EXISTS ? 'exists' : 'full';
  }

  /** Changes the columns that `values` names (none is fine) of a row that is there; false when it is not. */
  update(key: string, values: Values<C>): boolean {
    this.#encode(key, values);
    return this.#engine.writer.store('update', this.#scratch) === STORED;
  }

  /** The row, or one column of it; undefined when there is none. Throws `ERR_MILLRACE_TABLE_COLUMN`. */
  get(key: string): Row<C> | undefined;
  get<Name extends keyof C & string>(key: string, column: Name): Out<C[Name]> | undefined;
  get(key: string, column?: string): unknown {
    const { codec, reader } = this.#locate(key);
    const found = reader.get(column === undefined ? -1 : codec.column(column));
    if (found === undefined) this.#misses++;
    else this.#hits++;
    return found;
  }

  has(key: string): boolean {
    const found = this.#locate(key).reader.has();
    if (found) this.#hits++;
    else this.#misses++;
    return found;
  }

  /** Whether there was a row to delete. */
  delete(key: string): boolean {
    return this.#locate(key).writer.remove(undefined) === STORED;
  }

  /** The row, or one column of it, that was there and is deleted. Throws `ERR_MILLRACE_TABLE_COLUMN`; the row stays. */
  getAndDelete(key: string): Row<C> | undefined;
  getAndDelete<Name extends keyof C & string>(key: string, column: Name): Out<C[Name]> | undefined;
  getAndDelete(key: string, column?: string): unknown {
    const { codec, memory, writer } = this.#locate(key);
    const index = column === undefined ? -1 : codec.column(column);
    let value: unknown;
    writer.remove(undefined, (copy) => {
      value = index < 0 ? codec.read(memory, copy) : codec.access(index).read(memory, copy);
    });
    return value;
  }

  /**
   * Stores the columns that `values` names if all that `expected` names are as they are there, byte by byte: 0 is not
   * -0. False when one is not, or there is no row. Throws `ERR_MILLRACE_TABLE_COLUMN` when `expected` names nothing or
   * something that is no column.
   */
  compareAndSet(key: string, expected: Values<C>, values: Values<C>): boolean {
    this.#check();
    this.#engine.codec.encodeExpected(expected, this.#expected);
    this.#encode(key, values);
    return this.#engine.writer.compareAndSet(this.#expected, this.#scratch) === STORED;
  }

  /** Deletes the row if it is as expected; compares and throws as `compareAndSet` does. */
  compareAndDelete(key: string, expected: Values<C>): boolean {
    this.#check();
    this.#engine.codec.encodeExpected(expected, this.#expected);
    return this.#locate(key).writer.remove(this.#expected) === STORED;
  }

  /**
   * Adds to a column and returns the sum; a row that is not there is made, from 0. Undefined when there is no room for
   * it. Throws `ERR_MILLRACE_TABLE_COLUMN` for a column that holds no number and `ERR_MILLRACE_TABLE_VALUE` for a sum
   * that it cannot hold; then there is no new row.
   */
  increment<Name extends NumericName<C>>(
    key: string,
    column: Name,
    by?: Out<C[Name]>,
  ): Out<C[Name]> | undefined {
    const { codec, writer } = this.#locate(key);
    const index = codec.numericColumn(column);
    const sum = writer.increment(index, by === undefined ? codec.access(index).one : by, this.#scratch);
    return sum as Out<C[Name]> | undefined;
  }

  /** Takes away from a column; otherwise as `increment`. */
  decrement<Name extends NumericName<C>>(
    key: string,
    column: Name,
    by?: Out<C[Name]>,
  ): Out<C[Name]> | undefined {
    const { codec } = this.#locate(key);
    const amount: unknown = by === undefined ? codec.access(codec.numericColumn(column)).one : by;
    const negative = typeof amount === 'number' || typeof amount === 'bigint' ? -amount : amount;
    return this.increment(key, column, negative as Out<C[Name]>);
  }

  /** Rows that are there now, expired ones included until their room is needed. */
  get count(): number {
    this.#check();
    return countRows(this.#engine);
  }

  /** How often this object was asked for a row (`get`, `has`) that was there, and for one that was not. */
  get reads(): { readonly hits: number; readonly misses: number } {
    return { hits: this.#hits, misses: this.#misses };
  }

  /** Rows that it can hold. */
  get capacity(): number {
    return this.#engine.memory.layout.rows;
  }

  /** Bytes of memory that the table takes. */
  get bytes(): number {
    return this.#engine.memory.layout.bytes;
  }

  /**
   * Keys and rows, each row as it was at one moment. A row that is there all the time comes exactly once; one that is
   * made or deleted meanwhile may come or not, and one deleted and made again may come twice. Anything may be done to
   * the table meanwhile, also by the loop itself.
   */
  *entries(): IterableIterator<[key: string, row: Row<C>]> {
    for (const { key, row } of opening.rowsOf(this.#opened, true)) yield [key, row as Row<C>];
  }

  *keys(): IterableIterator<string> {
    for (const { key } of opening.rowsOf(this.#opened, false)) yield key;
  }

  *values(): IterableIterator<Row<C>> {
    for (const { row } of opening.rowsOf(this.#opened, true)) yield row as Row<C>;
  }

  [Symbol.iterator](): IterableIterator<[key: string, row: Row<C>]> {
    return this.entries();
  }

  /** Deletes all rows, stripe by stripe: what others make meanwhile may stay. */
  clear(): void {
    this.#check();
    const { stripes, chains } = this.#engine;
    for (let stripe = 0; stripe < stripes.count; stripe++) {
      stripes.lock(stripe);
      chains.clear(stripe);
      stripes.unlock(stripe);
    }
  }

  /** Removes what has expired now, rather than when its room is needed; returns how many rows. */
  sweep(): number {
    this.#check();
    return this.#engine.room.sweep(Number.POSITIVE_INFINITY);
  }

  stats(): TableStats {
    this.#check();
    return statsOf(this.#engine);
  }

  /** Undefined for an anonymous table. */
  get name(): SegmentName | undefined {
    return this.#opened.segment?.name;
  }

  /** Whether this call has made the table; false when it was there. */
  get created(): boolean {
    return this.#opened.segment?.created ?? false;
  }

  /** The descriptor of an anonymous table, to hand on; it is closed with the table. */
  get descriptor(): number {
    this.#check();
    return (this.#opened.segment as NonNullable<opening.Opened['segment']>).descriptor;
  }

  get closed(): boolean {
    return this.#opened.closed();
  }

  /** Ends the use of the table here; idempotent. A named one stays for the others. */
  close(): void {
    this.#opened.segment?.close();
  }

  /** Closes, and removes the name: the memory goes with its last user. False when the name had gone. */
  unlink(): boolean {
    return this.#opened.segment?.unlink() ?? false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Values first: reading them may run code of the user's, which may read the table. */
  #encode(key: string, values: Values<C>): void {
    this.#check();
    if (typeof values !== 'object' || values === null) throw noRow(values);
    this.#engine.codec.encode(values, this.#scratch);
    this.#engine.key.set(key);
  }

  #locate(key: string): Engine {
    this.#check();
    this.#engine.key.set(key);
    return this.#engine;
  }

  #check(): void {
    if (this.#opened.closed()) opening.refuseClosed();
  }
}

function noRow(values: unknown): SharedMemoryError {
  const message = `A row is given as an object with the values of its columns, not as ${shown(values)}.`;
  return new SharedMemoryError('ERR_MILLRACE_TABLE_VALUE', message);
}
