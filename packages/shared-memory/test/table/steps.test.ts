/** Death before every single store of every operation, and what the others find then. */
import { afterEach, expect, test, vi } from 'vitest';
import { column, type Table } from '../../src/index.js';
import { dyingAt, withHook } from './dying-stores.js';
import { Stage } from './players.js';

vi.mock('../../src/table/stores.js', async () => (await import('./dying-stores.js')).stores);
afterEach(() => vi.restoreAllMocks());

const columns = { id: column.int64(), name: column.string(12), score: column.float64() };
type Rows = Table<typeof columns>;
type Contents = ReadonlyMap<string, unknown>;

/** Few rows, so that they share chains and stripes, and 16 rows of 2 stripes have chains of several. */
const ROWS = 16;
const KEPT = ['a', 'b', 'c', 'd', 'e', 'f'];

const operations: Record<string, (table: Rows) => unknown> = {
  'set of a new row': (table) => table.set('new', { id: 1, name: 'somebody', score: 0.5 }),
  'set of a row': (table) => table.set('b', { id: 1, name: 'somebody', score: 0.5 }),
  'set of one column': (table) => table.set('b', { score: 0.5 }),
  'add of a new row': (table) => table.add('new', { name: 'somebody' }),
  'add of a row that is there': (table) => table.add('b', { name: 'somebody' }),
  update: (table) => table.update('c', { name: 'somebody' }),
  'increment of a new row': (table) => table.increment('new', 'id', 7),
  'increment of a row': (table) => table.increment('d', 'score', 0.25),
  delete: (table) => table.delete('e'),
  getAndDelete: (table) => table.getAndDelete('a'),
  compareAndSet: (table) => table.compareAndSet('f', { name: 'row f' }, { id: -1 }),
  compareAndDelete: (table) => table.compareAndDelete('c', { name: 'row c' }),
};

const contents = (table: Rows): Contents => new Map([...table].sort(([a], [b]) => (a < b ? -1 : 1)));

/** A table with history: slots that have had other rows, in other chains too. */
function prepared(definition: ConstructorParameters<typeof Stage<typeof columns>>[0]): ArrayBuffer {
  const stage = new Stage(definition);
  const { table } = stage.player(clock);
  for (const key of ['x', 'new', 'y', 'z']) table.set(key, { id: 99, name: 'old', score: 99 });
  for (const key of ['x', 'new', 'y', 'z']) table.delete(key);
  for (const [i, key] of KEPT.entries()) table.set(key, { id: i, name: `row ${key}`, score: i / 2 });
  table.increment('a', 'id', 2 ** 40);
  return stage.buffer;
}

let time = 1_000;
const clock = { now: () => time };

/** What must hold of a table that nobody is changing, whatever has happened to it. */
function checkWhole(table: Rows): void {
  const stats = table.stats();
  const keys = [...table.keys()];
  expect(new Set(keys).size).toBe(keys.length);
  expect(stats.num).toBe(keys.length);
  expect(stats.insertCount - stats.deleteCount).toBe(keys.length);
  expect(stats.availableSliceNum).toBe(stats.totalSliceNum - keys.length);
  for (const key of keys) expect(table.has(key)).toBe(true);
}

/** Fills the table to its last row, so that no slot can have been lost, and empties it. */
function checkCapacity(table: Rows): void {
  for (let i = 0; table.count < ROWS; i++) expect(table.set(`fill ${i}`, { id: i })).toBe(true);
  expect(table.set('one too many', {})).toBe(false);
  checkWhole(table);
  table.clear();
  checkWhole(table);
  expect(table.stats().availableSliceNum).toBe(ROWS);
}

function isOneOf(found: Contents, ...allowed: Contents[]): boolean {
  return allowed.some((contents) => {
    try {
      expect(found).toEqual(contents);
      return true;
    } catch {
      return false;
    }
  });
}

const definition = { rows: ROWS, columns };

for (const [name, operation] of Object.entries(operations)) {
  test(`${name}: a death before any store leaves the old row or the new one, and nothing else changed`, () => {
    const start = prepared(definition);
    const done = new Stage(definition, start).player().table;
    const before = contents(new Stage(definition, start).player().table);
    operation(done);
    const after = contents(done);
    let committed = false;
    for (let k = 0; ; k++) {
      const stage = new Stage(definition, start);
      const victim = stage.player();
      const reader = stage.player().table;
      if (!dyingAt(k, () => operation(victim.table))) break;
      // Readers do not wait for the repair, nor for the death to be noticed.
      const found = contents(reader);
      expect(isOneOf(found, before, after), `${k}: ${JSON.stringify([...found])}`).toBe(true);
      // There is one store before which nothing and after which everything has happened.
      if (committed) expect(found).toEqual(after);
      committed ||= before.size !== after.size ? found.size === after.size : !isOneOf(found, before);
      victim.die();
      const heir = stage.player().table;
      for (const key of [...KEPT, 'new']) heir.update(key, {});
      expect(contents(heir)).toEqual(found);
      checkWhole(heir);
      checkCapacity(heir);
    }
  });

  test(`${name}: a reader sees the old row or the new one between any two stores, each key on its own too`, () => {
    const start = prepared(definition);
    const stage = new Stage(definition, start);
    const before = contents(stage.player().table);
    const done = new Stage(definition, start).player().table;
    operation(done);
    const after = contents(done);
    const reader = stage.player().table;
    let steps = 0;
    withHook(
      () => {
        steps++;
        expect(isOneOf(contents(reader), before, after)).toBe(true);
        for (const key of [...KEPT, 'new']) {
          expect([before.get(key), after.get(key)]).toContainEqual(reader.get(key));
        }
      },
      () => operation(stage.player().table),
    );
    expect(steps).toBeGreaterThan(1);
    expect(contents(reader)).toEqual(after);
  });
}

test('the successor of a dead writer may die at any store of its repair, and so may the next one', () => {
  for (const operation of Object.values(operations)) {
    const start = prepared(definition);
    for (let k = 1; ; k++) {
      const stage = new Stage(definition, start);
      const first = stage.player();
      if (!dyingAt(k, () => operation(first.table))) break;
      first.die();
      const found = contents(stage.player().table);
      const broken = stage.buffer;
      for (let j = 0; ; j++) {
        // Everybody of the second stage is new; nobody of the first lives.
        const second = new Stage(definition, broken);
        const heirs = [second.player(), second.player(), second.player()] as const;
        const wasDead = heirs[0];
        wasDead.die();
        if (!dyingAt(j, () => heirs[1].table.clear())) break;
        heirs[1].die();
        for (const key of contents(heirs[2].table).keys()) expect(found.has(key)).toBe(true);
        heirs[2].table.update('a', {});
        for (const key of [...KEPT, 'new']) heirs[2].table.update(key, {});
        checkWhole(heirs[2].table);
        checkCapacity(heirs[2].table);
      }
    }
  }
});

const full = {
  'with a row that has expired': { definition: { ...definition, ttl: 100 }, late: true },
  'with eviction': { definition: { ...definition, eviction: 'lru' as const }, late: false },
};

for (const [name, { definition, late }] of Object.entries(full)) {
  test(`a set in a full table ${name}: a death before any store loses no slot and at most the row that had to go`, () => {
    const stage = new Stage(definition);
    const maker = stage.player(clock).table;
    time = 1_000;
    for (let i = 0; i < ROWS; i++) {
      maker.set(`row ${i}`, { id: i, name: `row ${i}`, score: i });
      if (late) time += 1;
    }
    // Only the first row is late.
    if (late) time = 1_100;
    for (let k = 0; ; k++) {
      const copy = new Stage(definition, stage.buffer);
      const victim = copy.player(clock);
      if (!dyingAt(k, () => victim.table.set('new', { id: 1, name: 'somebody', score: 0.5 }))) break;
      victim.die();
      const heir = copy.player(clock).table;
      const found = contents(heir);
      for (let i = 1; i < ROWS; i++) {
        expect(found.get(`row ${i}`)).toEqual({ id: i, name: `row ${i}`, score: i });
      }
      if (found.has('new')) expect(found.get('new')).toEqual({ id: 1, name: 'somebody', score: 0.5 });
      expect(heir.set('new', { id: 2 })).toBe(true);
      expect(heir.get('new', 'id')).toBe(2);
      for (const key of found.keys()) heir.update(key, {});
      checkWhole(heir);
    }
  });
}

test('a set over an expired row: a death before any store leaves nothing or the new row, zeroed where not set', () => {
  const definition = { rows: ROWS, columns, ttl: 100 };
  time = 1_000;
  const start = prepared(definition);
  time = 1_200;
  for (let k = 0; ; k++) {
    const stage = new Stage(definition, start);
    const victim = stage.player(clock);
    if (!dyingAt(k, () => victim.table.set('b', { id: 5 }))) break;
    victim.die();
    const heir = stage.player(clock).table;
    expect([undefined, { id: 5, name: '', score: 0 }]).toContainEqual(heir.get('b'));
    expect(heir.set('b', { score: 1 })).toBe(true);
    expect([0, 5]).toContain(heir.get('b')?.id);
    heir.sweep();
    checkWhole(heir);
  }
});

test('an exception half-way through a change is repaired by the next change of the same thread', () => {
  const start = prepared(definition);
  for (let k = 0; ; k++) {
    const stage = new Stage(definition, start);
    const { table } = stage.player();
    if (!dyingAt(k, () => table.set('new', { id: 1 }))) break;
    expect(table.set('new', { id: 2 })).toBe(true);
    expect(table.get('new', 'id')).toBe(2);
    for (const key of KEPT) table.update(key, {});
    checkWhole(table);
  }
});
