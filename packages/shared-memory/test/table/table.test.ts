import { everyKindOfBytes, NO_BYTES } from '@millrace/testkit';
import { expect, expectTypeOf, onTestFinished, test } from 'vitest';
import { column, Segment, Table } from '../../src/index.js';
import { codeOf, randomOf, withTable } from './tables.js';

const columns = {
  id: column.int64(),
  big: column.int64({ bigint: true }),
  name: column.string(8),
  score: column.float64(),
  raw: column.bytes(6),
};
const small = { rows: 64, columns: { id: column.int64(), name: column.string(8) } };

test('the types of rows follow from the columns', () => {
  withTable({ rows: 8, columns }, (table) => {
    table.set('a', { id: 1, big: 2n, name: 'ada', score: 0.5, raw: Buffer.from('raw') });
    expectTypeOf(table.get('a')).toEqualTypeOf<
      { id: number; big: bigint; name: string; score: number; raw: Buffer } | undefined
    >();
    expectTypeOf(table.get('a')?.id).toEqualTypeOf<number | undefined>();
    expectTypeOf(table.get('a', 'name')).toEqualTypeOf<string | undefined>();
    expectTypeOf(table.increment('a', 'big')).toEqualTypeOf<bigint | undefined>();
    // @ts-expect-error: text cannot be added to.
    expect(() => table.increment('a', 'name')).toThrow();
    // @ts-expect-error: a number is no text.
    expect(() => table.set('a', { name: 1 })).toThrow();
  });
});

test('every kind of value comes back as it was stored, the extreme ones too', () => {
  withTable({ rows: 64, columns }, (table) => {
    const rows = [
      {
        id: Number.MAX_SAFE_INTEGER,
        big: 2n ** 63n - 1n,
        name: '12345678',
        score: Math.PI,
        raw: Buffer.alloc(6, 255),
      },
      { id: Number.MIN_SAFE_INTEGER, big: -(2n ** 63n), name: 'üüüü', score: -0, raw: Buffer.alloc(0) },
      { id: -1, big: -1n, name: '', score: Number.NEGATIVE_INFINITY, raw: Buffer.from([0]) },
      { id: 2 ** 32, big: 2n ** 32n, name: '😀x', score: Number.NaN, raw: Buffer.from('four') },
      { id: -(2 ** 31) - 1, big: 0n, name: '\0\0', score: Number.MIN_VALUE, raw: Buffer.from('12345') },
      { id: 4_294_967_295, big: 1n, name: '日本', score: 1e308, raw: Buffer.from('ab') },
    ];
    for (const [i, row] of rows.entries()) expect(table.set(`key ${i}`, row)).toBe(true);
    for (const [i, row] of rows.entries()) expect(table.get(`key ${i}`)).toEqual(row);
    // And in a row that held something longer.
    for (const row of rows) {
      table.set('key 0', row);
      expect(table.get('key 0')).toEqual(row);
    }
  });
});

test('what a column cannot hold is refused with the column, the limit and the value, and changes nothing', () => {
  withTable({ rows: 8, columns }, (table) => {
    table.set('a', { id: 1, name: 'ada' });
    const before = [table.get('a'), table.stats()];
    const wrong: [object, RegExp][] = [
      [{ id: 2 ** 53 }, /'id' \(int64\).*safe integer.*9007199254740992/],
      [{ id: 0.5 }, /'id'.*0\.5/],
      [{ id: 1n }, /'id'.*1 \(bigint\)/],
      [{ big: 1 }, /'big'.*BigInt/],
      [{ big: 2n ** 63n }, /'big'.*64 bits.*9223372036854775808/],
      [{ name: '123456789' }, /'name'.*at most 8 bytes.*9 bytes/],
      [{ name: 'üüüüü' }, /'name'.*at most 8 bytes.*10 bytes/],
      [{ name: '\udc00' }, /'name'.*well-formed Unicode/],
      [{ name: null }, /'name'.*null/],
      [{ score: '1' }, /'score'.*number/],
      [{ raw: 'text' }, /'raw'.*typed array/],
      [{ raw: Buffer.alloc(7) }, /'raw'.*at most 6 bytes.*7 bytes/],
    ];
    for (const [values, message] of wrong) {
      for (const key of ['a', 'new']) {
        expect(codeOf(() => table.set(key, values))).toBe('ERR_MILLRACE_TABLE_VALUE');
        expect(() => table.add(key, values)).toThrow(message);
      }
    }
    for (const row of [undefined, null, 'name', 3] as never[]) {
      expect(codeOf(() => table.set('a', row))).toBe('ERR_MILLRACE_TABLE_VALUE');
      expect(() => table.set('a', row)).toThrow(
        /^A row is given as an object with the values of its columns, not as /,
      );
    }
    expect([table.get('a'), table.stats()]).toEqual(before);
  });
});

test('set merges into a row, and a row made anew begins from zero', () => {
  withTable({ rows: 8, columns }, (table) => {
    table.set('a', { id: 1, name: 'ada', raw: Buffer.from('raw') });
    table.set('a', { score: 2 });
    expect(table.get('a')).toEqual({ id: 1, big: 0n, name: 'ada', score: 2, raw: Buffer.from('raw') });
    expect(table.delete('a')).toBe(true);
    expect(table.delete('a')).toBe(false);
    expect(table.get('a')).toBeUndefined();
    table.increment('a', 'id');
    expect(table.get('a')).toEqual({ id: 1, big: 0n, name: '', score: 0, raw: Buffer.alloc(0) });
  });
});

test('increment and decrement return the sum, and refuse one that does not fit', () => {
  withTable({ rows: 2, columns }, (table) => {
    expect(table.increment('a', 'id')).toBe(1);
    expect(table.increment('a', 'id', 2 ** 52)).toBe(2 ** 52 + 1);
    expect(codeOf(() => table.increment('a', 'id', 2 ** 52))).toBe('ERR_MILLRACE_TABLE_VALUE');
    expect(codeOf(() => table.increment('a', 'id', 0.5))).toBe('ERR_MILLRACE_TABLE_VALUE');
    expect(table.decrement('a', 'id', 2)).toBe(2 ** 52 - 1);
    expect(table.increment('a', 'score', 0.25)).toBe(0.25);
    expect(table.decrement('a', 'score')).toBe(-0.75);
    expect(table.decrement('a', 'big')).toBe(-1n);
    expect(table.increment('a', 'big', 2n ** 63n - 1n)).toBe(2n ** 63n - 2n);
    // 64 bits wrap.
    expect(table.increment('a', 'big', 2n)).toBe(-(2n ** 63n));
    expect(codeOf(() => table.decrement('a', 'score', '1' as unknown as number))).toBe(
      'ERR_MILLRACE_TABLE_VALUE',
    );
    expect(codeOf(() => table.increment('new', 'id', 2 ** 53))).toBe('ERR_MILLRACE_TABLE_VALUE');
    expect(table.has('new')).toBe(false);
    table.set('b', {});
    expect(table.increment('no room', 'id')).toBeUndefined();
    // The lock was let go after each refusal.
    expect(table.increment('a', 'id')).toBe(2 ** 52);
  });
});

test('compareAndDelete and getAndDelete take what they see; floats are compared bit by bit', () => {
  withTable({ rows: 8, columns }, (table) => {
    table.set('a', { id: 1, score: 0, name: 'ada', raw: Buffer.from('raw') });
    expect(table.compareAndDelete('a', { score: -0 })).toBe(false);
    expect(table.compareAndDelete('a', { raw: Buffer.from('rav') })).toBe(false);
    expect(table.compareAndSet('a', { name: 'ad' }, { id: 2 })).toBe(false);
    expect(table.compareAndSet('a', { name: 'ada', raw: Buffer.from('raw') }, { score: Number.NaN })).toBe(
      true,
    );
    expect(table.compareAndSet('a', { score: Number.NaN }, { score: 3 })).toBe(true);
    expect(table.getAndDelete('a', 'score')).toBe(3);
    expect(table.getAndDelete('a')).toBeUndefined();
    table.set('a', { id: 4 });
    expect(table.getAndDelete('a')).toMatchObject({ id: 4, name: '' });
    table.set('a', { id: 4 });
    expect(table.compareAndDelete('a', { id: 4, big: 0n })).toBe(true);
    expect(table.count).toBe(0);
  });
});

test('a table of N rows holds N rows whatever their keys, says no to the next, and takes it when one goes', () => {
  const random = randomOf(1);
  for (const rows of [1, 2, 31, 32, 33, 1_000]) {
    withTable({ rows, columns: { id: column.int64() } }, (table) => {
      const keys = Array.from({ length: rows }, (_, i) => `${'k'.repeat(Math.floor(random() * 40))}${i}`);
      for (const key of keys) expect(table.set(key, { id: 1 })).toBe(true);
      expect(table.count).toBe(rows);
      expect(table.set('more', { id: 1 })).toBe(false);
      expect(table.add('more', { id: 1 })).toBe('full');
      expect(table.set(keys[0] as string, { id: 2 })).toBe(true);
      for (let i = 0; i < 3 * rows; i++) {
        const at = Math.floor(random() * rows);
        expect(table.delete(keys[at] as string)).toBe(true);
        keys[at] = `again ${i}`;
        expect(table.add(keys[at], { id: i })).toBe('added');
      }
      expect([...table.keys()].sort()).toEqual(keys.sort());
      table.clear();
      expect(table.stats()).toMatchObject({ num: 0, availableSliceNum: rows });
    });
  }
});

test('iteration gives every row once, and lets the loop change the table', () => {
  withTable(small, (table) => {
    for (let i = 0; i < 50; i++) table.set(`key ${i}`, { id: i, name: `${i}` });
    for (const [key, { id, name }] of table) {
      expect(key).toBe(`key ${id}`);
      expect(name).toBe(`${id}`);
      if (id % 2 === 0) table.delete(key);
    }
    expect([...table.values()].map(({ id }) => id).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 25 }, (_, i) => 2 * i + 1),
    );
    expect([...table.entries()].length).toBe(25);
  });
});

test('keys are told apart to the last byte, by any length that the table allows', () => {
  withTable({ ...small, keyBytes: 1_000 }, (table) => {
    const keys = [
      'a',
      'a\0',
      'a\0\0',
      'aaaa',
      'aaaab',
      'é',
      'e\u0301',
      '😀',
      'k'.repeat(999),
      'k'.repeat(1_000),
    ];
    for (const [i, key] of keys.entries()) expect(table.add(key, { id: i })).toBe('added');
    for (const [i, key] of keys.entries()) expect(table.get(key, 'id')).toBe(i);
    expect([...table.keys()].sort()).toEqual([...keys].sort());
    expect(codeOf(() => table.set('k'.repeat(1_001), {}))).toBe('ERR_MILLRACE_TABLE_KEY');
    expect(() => table.set('k'.repeat(1_001), {})).toThrow(/1 to 1000 bytes.*1001 bytes.*keyBytes/s);
    // A half of a surrogate pair has no UTF-8: two such keys would be one.
    expect(codeOf(() => table.set('\ud800', {}))).toBe('ERR_MILLRACE_TABLE_KEY');
    expect(codeOf(() => table.set(7 as unknown as string, {}))).toBe('ERR_MILLRACE_TABLE_KEY');
  });
});

test('what a table takes is known before it is made, and does not change', () => {
  const definition = { rows: 1_000, columns };
  const expected = Table.bytesFor(definition);
  withTable(definition, (table) => {
    expect(table.bytes).toBe(expected);
    for (let i = 0; i < 1_000; i++) table.set(`${i}`, { id: i });
    expect(table.bytes).toBe(expected);
  });
});

test('a definition that cannot be is refused with what it has and what is possible', () => {
  const one = { id: column.int64() };
  const wrong: [Parameters<typeof Table.bytesFor>[0], RegExp][] = [
    [{ rows: 0, columns: one }, /rows must be an integer from 1 to 268435456, not 0/],
    [{ rows: 1.5, columns: one }, /1\.5/],
    [{ rows: 1, columns: {} }, /number of columns .* from 1 to 1024, not 0/],
    [{ rows: 1, columns: { 7: column.int64() } }, /named "7"/],
    [{ rows: 1, columns: { toString: column.int64() } }, /named "toString"/],
    [{ rows: 1, columns: { ['__proto__']: column.int64() } }, /named "__proto__"/],
    [{ rows: 1, columns: { text: column.string(0) } }, /size of column 'text'/],
    [{ rows: 1, columns: one, keyBytes: 0 }, /keyBytes/],
    [{ rows: 1, columns: one, ttl: 0 }, /ttl/],
    [{ rows: 1, columns: one, eviction: 'fifo' as 'lru' }, /'lru'.*fifo/],
    [
      { rows: 2 ** 28, columns: { text: column.string(4_000) } },
      /would take \d+ bytes; the limit is 4294967296/,
    ],
  ];
  for (const [definition, message] of wrong) {
    expect(codeOf(() => Table.bytesFor(definition))).toBe('ERR_MILLRACE_TABLE_DEFINITION');
    expect(() => Table.bytesFor(definition)).toThrow(message);
  }
});

test('a column of bytes takes every kind of bytes whole, and nothing else', () => {
  using table = Table.anonymous({ rows: 8, columns: { held: column.bytes(8) } });
  for (const [name, held] of Object.entries(everyKindOfBytes())) {
    table.set('row', { held });
    expect(table.get('row')?.held, name).toEqual(Buffer.of(1, 2, 3, 4, 5, 6, 7, 8));
  }
  for (const held of NO_BYTES.filter((value) => value !== undefined))
    expect(() => table.set('row', { held: held as Uint8Array })).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_TABLE_VALUE' }),
    );
});

test('misspelt options of a segment, a table and its definition are refused with the nearest name', () => {
  const fine = { rows: 4, columns: { id: column.int64() } };
  expect(() => Table.anonymous({ ...fine, keybytes: 5 } as typeof fine)).toThrow("did you mean 'keyBytes'?");
  expect(() => Table.anonymous(fine, { lockTimout: 5 } as object)).toThrow("did you mean 'lockTimeout'?");
  expect(() => Segment.anonymous({ size: 64, owner: 2 } as { size: number })).toThrow(
    "did you mean 'owners'?",
  );
});

test('a table tells how often this object was asked for what was there, and for what was not', () => {
  const table = Table.anonymous({ rows: 4, columns: { hits: column.int64() } });
  onTestFinished(() => table.close());
  table.set('ada', { hits: 0 });
  table.get('ada');
  table.get('ada', 'hits');
  table.has('ada');
  table.get('eve');
  table.has('eve');
  expect(table.reads).toEqual({ hits: 3, misses: 2 });
});
