import { expect, test } from 'vitest';
import { StickTable } from '../../../src/reactor/http/stick-table.js';

const memory = StickTable.memory(2, 1);
const tables = [0, 1].map((reactor) => new StickTable(memory, 2, reactor)) as [StickTable, StickTable];
const set = (table: StickTable, key: string, worker: number) =>
  table.set(Buffer.from(key), 0, key.length, worker);
const get = (table: StickTable, key: string) => table.get(Buffer.from(key), 0, key.length);

test('what one reactor thread has noted, each of them finds; what none has noted, none', () => {
  set(tables[0], 'one', 0);
  set(tables[1], 'two', 7);
  for (const table of tables)
    expect(['one', 'two', 'three'].map((key) => get(table, key))).toEqual([0, 7, -1]);
});

test('a key that is noted again has the worker that was noted last', () => {
  set(tables[0], 'again', 1);
  set(tables[0], 'again', 2);
  expect(get(tables[0], 'again')).toBe(2);
});

test('it has no more room for more keys: those that were noted last are there, whatever a client makes it note', () => {
  const [table] = tables;
  const count = Math.floor(memory.byteLength / 16);
  for (let key = 0; key < count; key++) set(table, `key-${key}`, key % 4);
  const found = Array.from({ length: count }, (_, key) => get(table, `key-${key}`));
  expect(found.at(-1)).toBe((count - 1) % 4);
  const known = found.filter((worker) => worker >= 0).length;
  expect(known).toBeLessThanOrEqual(count / 2);
  expect(known).toBeGreaterThan(count / 4);
  for (const [key, worker] of found.entries()) if (worker >= 0) expect(worker).toBe(key % 4);
});
