import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { leavings, openDescriptors } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { column, Segment, Table } from '../../src/index.js';
import { codeOf } from './tables.js';

const NAME = `/millrace-table-test-${process.pid}`;
const definition = { rows: 100, columns: { id: column.int64(), name: column.string(16) } };
const user = new URL('../../dist-test/table/fixtures/table-user.js', import.meta.url);

let descriptors = 0;
beforeEach(() => {
  descriptors = openDescriptors('self');
});
afterEach(() => {
  Segment.unlink(NAME);
  // What other programs on this machine leave is no concern of this test.
  expect([...leavings()].filter((left) => left.includes(NAME))).toEqual([]);
  expect(openDescriptors('self')).toBeLessThanOrEqual(descriptors);
});

test('a table is made once, opened by its name, and outlives those who use it until it is destroyed', () => {
  expect(codeOf(() => Table.open(NAME, definition))).toBe('ERR_MILLRACE_SEGMENT_MISSING');
  const made = Table.create(NAME, definition);
  expect(made.created).toBe(true);
  expect(made.name).toBe(NAME);
  expect(codeOf(() => Table.create(NAME, definition))).toBe('ERR_MILLRACE_SEGMENT_EXISTS');
  made.set('ada', { id: 1 });
  const opened = Table.open(NAME, { columns: definition.columns });
  expect(opened.created).toBe(false);
  expect(opened.capacity).toBe(100);
  expect(opened.get('ada')).toEqual({ id: 1, name: '' });
  made.close();
  opened.close();
  const again = Table.openOrCreate(NAME, definition);
  expect(again.created).toBe(false);
  expect(again.increment('ada', 'id')).toBe(2);
  expect(again.unlink()).toBe(true);
  expect(again.closed).toBe(true);
  const fresh = Table.openOrCreate(NAME, definition);
  expect(fresh.created).toBe(true);
  expect(fresh.count).toBe(0);
  fresh.unlink();
});

test('a table that is not the one asked for is refused, and every difference is named', () => {
  using table = Table.create(NAME, definition);
  const other = {
    rows: 200,
    keyBytes: 31,
    ttl: 1_000,
    eviction: 'lru' as const,
    columns: { id: column.float64(), name: column.string(32), more: column.int64() },
  };
  for (const open of [Table.open, Table.openOrCreate]) {
    expect(codeOf(() => open(NAME, other))).toBe('ERR_MILLRACE_TABLE_MISMATCH');
  }
  expect(() => Table.open(NAME, other)).toThrow(
    'rows is 100 there, 200 was asked for; keyBytes is 63 there, 31 was asked for; ttl is 0 there, 1000 was asked ' +
      'for; eviction is none there, lru was asked for; column 1 is id int64 there, id float64 was asked for; column 2 ' +
      'is name string(16) there, name string(32) was asked for; column 3 is none there, more int64 was asked for.',
  );
  const bigint = { columns: { id: column.int64({ bigint: true }), name: column.string(16) } };
  expect(codeOf(() => Table.open(NAME, bigint))).toBe('ERR_MILLRACE_TABLE_MISMATCH');
  const renamed = { columns: { id: column.int64(), title: column.string(16) } };
  expect(codeOf(() => Table.open(NAME, renamed))).toBe('ERR_MILLRACE_TABLE_MISMATCH');
  expect(table.count).toBe(0);
});

test('a segment that is no table is refused, also one that says it is', () => {
  const segment = Segment.create(NAME, { size: 4_096 });
  expect(codeOf(() => Table.openOrCreate(NAME, definition))).toBe('ERR_MILLRACE_SEGMENT_MISMATCH');
  segment.unlink();
  const empty = Segment.create(NAME, { size: 4_096, kind: 'table', owners: 8 });
  expect(codeOf(() => Table.open(NAME, definition))).toBe('ERR_MILLRACE_TABLE_CORRUPT');
  empty.unlink();
});

test('after close everything throws ERR_MILLRACE_CLOSED, and closing again does nothing', () => {
  const table = Table.anonymous(definition);
  table.set('ada', { id: 1 });
  const iteration = table.entries();
  iteration.next();
  table.close();
  table.close();
  expect(table.closed).toBe(true);
  const operations = [
    () => table.set('ada', {}),
    () => table.add('ada', {}),
    () => table.update('ada', {}),
    () => table.get('ada'),
    () => table.has('ada'),
    () => table.delete('ada'),
    () => table.getAndDelete('ada'),
    () => table.compareAndSet('ada', { id: 1 }, {}),
    () => table.compareAndDelete('ada', { id: 1 }),
    () => table.increment('ada', 'id'),
    () => table.decrement('ada', 'id'),
    () => table.count,
    () => table.stats(),
    () => table.clear(),
    () => table.sweep(),
    () => table.descriptor,
    () => [...table],
    () => iteration.next(),
  ];
  for (const operation of operations) expect(codeOf(operation)).toBe('ERR_MILLRACE_CLOSED');
  expect(table.unlink()).toBe(false);
});

test('an unrelated process opens a table by its name', () => {
  using table = Table.create(NAME, definition);
  table.set('ada', { id: 41, name: 'Ada' });
  const { status, stdout } = spawnSync(process.execPath, [user.pathname, NAME], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'Ada 42\n' });
  expect(table.get('ada', 'id')).toBe(42);
});

test('a child process opens an anonymous table by the descriptor that it inherits', () => {
  using table = Table.anonymous(definition);
  table.set('ada', { id: 41, name: 'Ada' });
  const { status, stdout } = spawnSync(process.execPath, [user.pathname], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit', table.descriptor],
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'Ada 42\n' });
  expect(table.get('ada', 'id')).toBe(42);
});

test('a program that forbids code from strings can use tables too', () => {
  using table = Table.create(NAME, definition);
  table.set('ada', { id: 41, name: 'Ada' });
  const flags = ['--disallow-code-generation-from-strings', user.pathname, NAME];
  const { status, stdout } = spawnSync(process.execPath, flags, { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'Ada 42\n' });
  expect(table.get('ada')).toEqual({ id: 43, name: 'Ada' });
});

test('a worker thread opens a table of its own over the same rows', async () => {
  using table = Table.create(NAME, definition);
  table.set('ada', { id: 41, name: 'Ada' });
  const worker = new Worker(user, { argv: [NAME], stdout: true });
  const [code] = await once(worker, 'exit');
  expect(code).toBe(0);
  expect(table.get('ada', 'id')).toBe(42);
});

test('a table without its columns is neither opened nor made, and the error says what is missing', () => {
  Table.create(NAME, definition).close();
  const calls = {
    open: (given: unknown) => Table.open(NAME, given as typeof definition),
    openOrCreate: (given: unknown) => Table.openOrCreate(NAME, given as typeof definition),
    create: (given: unknown) => Table.create(NAME, given as typeof definition),
    anonymous: (given: unknown) => Table.anonymous(given as typeof definition),
    fromDescriptor: (given: unknown) => Table.fromDescriptor(0, given as typeof definition),
  };
  for (const call of Object.values(calls)) {
    for (const given of [undefined, null, {}, { rows: 10 }, { rows: 10, columns: [] }, 'columns', 5]) {
      expect(codeOf(() => call(given))).toBe('ERR_MILLRACE_TABLE_DEFINITION');
      expect(() => call(given)).toThrow(/must be an object with columns/);
    }
  }
});
