import { expect, test } from 'vitest';
import { column } from '../../src/index.js';
import { withTable } from './tables.js';

const columns = { id: column.int64(), name: column.string(8) };

test('a row that has a time to live is gone when it is over, and every write begins it anew', () => {
  let time = 0;
  const now = () => time;
  withTable(
    { rows: 8, columns, ttl: 100 },
    (table) => {
      table.set('a', { id: 1, name: 'ada' });
      table.set('b', { id: 2 });
      time = 99;
      expect(table.get('a')).toEqual({ id: 1, name: 'ada' });
      expect(table.update('b', {})).toBe(true);
      time = 100;
      expect(table.get('a')).toBeUndefined();
      expect(table.get('a', 'id')).toBeUndefined();
      expect(table.has('a')).toBe(false);
      expect(table.update('a', { id: 2 })).toBe(false);
      expect(table.compareAndSet('a', { id: 1 }, { id: 2 })).toBe(false);
      expect(table.delete('a')).toBe(false);
      expect(table.getAndDelete('a')).toBeUndefined();
      expect([...table.keys()]).toEqual(['b']);
      // It has been another row: nothing of it is left.
      expect(table.increment('a', 'id')).toBe(1);
      expect(table.get('a')).toEqual({ id: 1, name: '' });
      expect(table.stats()).toMatchObject({ num: 2, insertCount: 3, deleteCount: 1, expiredCount: 1 });
      time = 199;
      expect(table.has('b')).toBe(false);
      expect(table.count).toBe(2);
      expect(table.sweep()).toBe(1);
      expect(table.count).toBe(1);
      expect(table.add('b', {})).toBe('added');
    },
    { now },
  );
});

test('a full table makes room by what has expired, and says no when nothing has', () => {
  let time = 0;
  const now = () => time;
  withTable(
    { rows: 100, columns, ttl: 1_000 },
    (table) => {
      for (let i = 0; i < 100; i++) {
        table.set(`old ${i}`, { id: i });
        time++;
      }
      expect(table.set('new', {})).toBe(false);
      time = 1_000;
      // One has expired, and one has room.
      expect(table.set('new 0', {})).toBe(true);
      expect(table.set('new 1', {})).toBe(false);
      time = 1_050;
      for (let i = 1; i <= 50; i++) expect(table.set(`new ${i}`, {})).toBe(true);
      expect(table.set('new 51', {})).toBe(false);
      for (let i = 51; i < 100; i++) expect(table.get(`old ${i}`)?.id).toBe(i);
      time = 10_000;
      for (let i = 0; i < 100; i++) expect(table.add(`third ${i}`, {})).toBe('added');
      expect(table.stats()).toMatchObject({ num: 100, expiredCount: 151, availableSliceNum: 0 });
    },
    { now },
  );
});

test('without an injected clock the time is that of the machine', () => {
  withTable({ rows: 8, columns, ttl: 60_000 }, (table) => {
    table.set('a', { id: 1 });
    expect(table.get('a', 'id')).toBe(1);
    expect(table.sweep()).toBe(0);
  });
});

test('with eviction a full table lets go of the row that has not been used for longest', () => {
  withTable({ rows: 4, columns, eviction: 'lru' }, (table) => {
    for (const key of ['a', 'b', 'c', 'd']) table.set(key, { name: key });
    table.get('a');
    table.update('b', { id: 1 });
    table.get('d', 'name');
    expect(table.set('e', {})).toBe(true);
    expect([...table.keys()].sort()).toEqual(['a', 'b', 'd', 'e']);
    expect(table.increment('f', 'id')).toBe(1);
    expect([...table.keys()].sort()).toEqual(['b', 'd', 'e', 'f']);
    expect(table.stats()).toMatchObject({ num: 4, evictedCount: 2, deleteCount: 2, insertCount: 6 });
    // To look whether it is there, or at all of them, is no use.
    table.has('b');
    expect([...table.values()].length).toBe(4);
    expect(table.add('g', {})).toBe('added');
    expect(table.has('b')).toBe(false);
  });
});

test('with eviction and many rows, those in use stay while a hundred times as many go through', () => {
  const rows = 1_000;
  const hot = 50;
  withTable({ rows, columns, eviction: 'lru' }, (table) => {
    for (let i = 0; i < hot; i++) table.set(`hot ${i}`, { id: i });
    for (let i = 0; i < 100 * rows; i++) {
      expect(table.set(`cold ${i}`, { id: i })).toBe(true);
      table.get(`hot ${i % hot}`);
    }
    for (let i = 0; i < hot; i++) expect(table.get(`hot ${i}`, 'id')).toBe(i);
    expect(table.count).toBe(rows);
    expect(table.stats().availableSliceNum).toBe(0);
  });
});

test('expiry goes before eviction', () => {
  let time = 0;
  withTable(
    { rows: 2, columns, ttl: 100, eviction: 'lru' },
    (table) => {
      table.set('first', {});
      time = 50;
      table.set('second', {});
      time = 99;
      table.get('first');
      time = 120;
      table.set('third', {});
      expect([...table.keys()].sort()).toEqual(['second', 'third']);
      expect(table.stats()).toMatchObject({ expiredCount: 1, evictedCount: 0 });
    },
    { now: () => time },
  );
});
