import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { column } from '../../src/index.js';
import { codeOf, randomOf, withTable } from './tables.js';

const columns = { id: column.int64(), name: column.string(32), score: column.float64() };

test('G09 add makes an empty row once, update merges what is there, compareAndSet wants all columns equal', () => {
  withTable({ rows: 64, columns }, (table) => {
    expect(table.add('a', {})).toBe('added');
    expect(table.get('a')).toEqual({ id: 0, name: '', score: 0 });
    expect(table.add('a', { id: 5 })).toBe('exists');
    expect(table.get('a', 'id')).toBe(0);

    expect(table.update('b', { id: 1 })).toBe(false);
    expect(table.has('b')).toBe(false);
    expect(table.update('a', { id: 7, name: 'ada' })).toBe(true);
    expect(table.update('a', { score: 1.5 })).toBe(true);
    expect(table.update('a', {})).toBe(true);
    expect(table.get('a')).toEqual({ id: 7, name: 'ada', score: 1.5 });

    expect(table.compareAndSet('a', { id: 7, name: 'eve' }, { id: 9 })).toBe(false);
    expect(table.compareAndSet('a', { id: 7, name: 'ada' }, { id: 9 })).toBe(true);
    expect(table.compareAndSet('missing', { id: 0 }, { id: 9 })).toBe(false);
    expect(table.get('a')).toEqual({ id: 9, name: 'ada', score: 1.5 });
    expect(table.has('missing')).toBe(false);
  });
});

test('G09 names of no column are passed over where the program asks for that, as Swoole does', () => {
  const ignoring = { unknownColumns: 'ignore' } as const;
  withTable(
    { rows: 64, columns },
    (table) => {
      const unknown = { nothing: 1, 0: 2, id: 8 } as { id: number };
      expect(table.add('c', unknown)).toBe('added');
      expect(table.update('c', unknown)).toBe(true);
      expect(table.get('c')).toEqual({ id: 8, name: '', score: 0 });
    },
    ignoring,
  );
});

test('a column that there is not is refused with the nearest name, in every call, and nothing is changed', () => {
  withTable({ rows: 64, columns }, (table) => {
    table.set('ada', { id: 1 });
    const before = [table.get('ada'), table.count, table.stats()];
    const wrong = { nmae: 'x', id: 2 } as { id: number };
    const calls = [
      () => table.set('ada', wrong),
      () => table.set('new', wrong),
      () => table.add('new', wrong),
      () => table.update('ada', wrong),
      () => table.get('ada', 'nmae' as 'name'),
      () => table.getAndDelete('ada', 'nmae' as 'name'),
      () => table.compareAndSet('ada', { nmae: '' } as object, { id: 3 }),
      () => table.compareAndSet('ada', { id: 1 }, wrong),
      () => table.compareAndDelete('ada', { nmae: '' } as object),
      () => table.increment('new', 'nmae' as 'id'),
      () => table.decrement('new', 'nmae' as 'id'),
    ];
    for (const call of calls) {
      expect(codeOf(call)).toBe('ERR_MILLRACE_TABLE_COLUMN');
      expect(call).toThrow(/no column "nmae"; did you mean 'name'\?/);
    }
    expect([table.get('ada'), table.count, table.stats()]).toEqual(before);
    expect(table.set('ada', { id: 2, name: undefined, nmae: undefined } as object)).toBe(true);
    expect(() => table.set('ada', { elephant: 1 } as object)).toThrow(/there are: id, name, score\./);
  });
});

test('G10 an empty, numeric or unknown expectation and an empty key throw, and change nothing at all', () => {
  withTable({ rows: 64, columns }, (table) => {
    table.set('a', { id: 1, name: 'ada', score: 2.5 });
    const before = { row: table.get('a'), stats: table.stats() };
    const column = 'ERR_MILLRACE_TABLE_COLUMN';
    const numeric = { 0: 1 } as object;
    const unknown = { id: 1, nothing: 1 } as object;
    for (const expected of [{}, numeric, unknown]) {
      expect(codeOf(() => table.compareAndSet('a', expected, { id: 2 }))).toBe(column);
      expect(codeOf(() => table.compareAndDelete('a', expected))).toBe(column);
    }
    const key = 'ERR_MILLRACE_TABLE_KEY';
    expect(codeOf(() => table.add('', { id: 2 }))).toBe(key);
    expect(codeOf(() => table.update('', { id: 2 }))).toBe(key);
    expect(codeOf(() => table.compareAndSet('', { id: 1 }, { id: 2 }))).toBe(key);
    expect(codeOf(() => table.compareAndDelete('', { id: 1 }))).toBe(key);
    expect(codeOf(() => table.getAndDelete(''))).toBe(key);
    expect(codeOf(() => table.getAndDelete('a', 'nothing' as 'id'))).toBe(column);
    expect({ row: table.get('a'), stats: table.stats() }).toEqual(before);
  });
});

test('G11 an empty key and one of 64 bytes are refused by every operation; 63 bytes are fine', () => {
  withTable({ rows: 64, columns }, (table) => {
    for (const key of ['', 'k'.repeat(64), 'é'.repeat(32)]) {
      const operations = [
        () => table.set(key, { id: 1 }),
        () => table.get(key),
        () => table.has(key),
        () => table.delete(key),
        () => table.increment(key, 'id'),
      ];
      for (const operation of operations) expect(codeOf(operation)).toBe('ERR_MILLRACE_TABLE_KEY');
    }
    expect(table.count).toBe(0);
    for (const key of ['k'.repeat(63), `${'é'.repeat(31)}k`]) {
      expect(table.set(key, { id: 1 })).toBe(true);
      expect(table.get(key, 'id')).toBe(1);
    }
    expect([...table.keys()].sort()).toEqual(['k'.repeat(63), `${'é'.repeat(31)}k`].sort());
  });
});

test('G12 increment and decrement of an unknown column or one of text throw, and make no row', () => {
  withTable({ rows: 64, columns }, (table) => {
    for (const column of ['nothing', 'name'] as unknown as 'id'[]) {
      expect(codeOf(() => table.increment('a', column))).toBe('ERR_MILLRACE_TABLE_COLUMN');
      expect(codeOf(() => table.decrement('a', column))).toBe('ERR_MILLRACE_TABLE_COLUMN');
    }
    expect(table.has('a')).toBe(false);
    expect(table.count).toBe(0);
    expect(table.stats().availableSliceNum).toBe(64);
  });
});

test('G13 N random keys with random values fit in a table for N rows; every figure of stats is exact', () => {
  const rows = 1024;
  const random = randomOf(13);
  const size = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  withTable({ rows, columns: { value: column.string(336) } }, (table) => {
    const model = new Map<string, string>();
    while (model.size < rows) {
      const key = randomBytes(size(10, 30)).toString('base64');
      const value = randomBytes(size(100, 250)).toString('base64').slice(0, 336);
      expect(table.set(key, { value })).toBe(true);
      model.set(key, value);
    }
    expect(table.stats()).toMatchObject({
      num: rows,
      insertCount: rows,
      updateCount: 0,
      availableSliceNum: 0,
    });
    const keys = [...model.keys()];
    for (let i = 0; i < 500; i++) {
      const key = keys[Math.floor(random() * rows)] as string;
      const value = randomBytes(size(100, 250)).toString('base64').slice(0, 336);
      expect(table.set(key, { value })).toBe(true);
      model.set(key, value);
    }
    expect(table.stats()).toMatchObject({ insertCount: rows, updateCount: 500 });
    for (const [key, value] of model) expect(table.get(key)?.value).toBe(value);
    expect(new Map([...table].map(([key, row]) => [key, row.value]))).toEqual(model);
    for (const key of keys) expect(table.delete(key)).toBe(true);
    const { num, availableSliceNum, totalSliceNum, deleteCount } = table.stats();
    expect({ num, availableSliceNum, totalSliceNum, deleteCount }).toEqual({
      num: 0,
      availableSliceNum: rows,
      totalSliceNum: rows,
      deleteCount: rows,
    });
  });
});
