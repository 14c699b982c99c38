import { column, Table } from '@millrace/shared-memory';
import type Database from 'better-sqlite3';
import { loadPeer } from '../peers.js';

/** A small row, as all contenders store it. */
export interface SmallRow {
  readonly id: number;
  readonly score: number;
  readonly name: string;
}

/** What takes part: rows under string keys. Those that cannot answer at once return promises. */
export interface RowStore {
  set(key: string, row: SmallRow): unknown;
  get(key: string): unknown;
  increment(key: string): unknown;
  /** Operations that are on their way at a time; 1: each is waited for. */
  readonly pipeline?: number;
  /** Waits until what was done is done, and frees what the process has. */
  close(): unknown;
}

/** How many keys there are; all contenders hold so many rows. */
export const KEYS = 10_000;

export const tableDefinition = {
  rows: KEYS,
  columns: { id: column.int64(), score: column.float64(), name: column.string(32) },
};

/** One process's own, as a limit: nothing is shared. */
export function mapStore(): RowStore {
  const rows = new Map<string, SmallRow>();
  return {
    set: (key, row) => rows.set(key, { id: row.id, score: row.score, name: row.name }),
    get: (key) => rows.get(key),
    increment(key) {
      const row = rows.get(key) as SmallRow;
      rows.set(key, { id: row.id + 1, score: row.score, name: row.name });
    },
    close: () => {},
  };
}

export function tableStore(path: string): RowStore {
  const table = Table.openOrCreate(path, tableDefinition);
  return {
    set: (key, row) => table.set(key, row),
    get: (key) => table.get(key),
    increment: (key) => table.increment(key, 'id'),
    close: () => table.close(),
  };
}

/** What is used of lmdb. */
interface Lmdb {
  putSync(key: string, row: SmallRow): void;
  put(key: string, row: SmallRow): Promise<boolean>;
  get(key: string): SmallRow | undefined;
  transactionSync(action: () => void): void;
  transaction(action: () => void): Promise<void>;
  close(): Promise<void>;
}

function openLmdb(path: string): Lmdb {
  const { open } = loadPeer<{ readonly open: (options: object) => Lmdb }>('lmdb');
  return open({
    path,
    noSync: true,
    // With it, processes that write at the same time fail with MDB_BAD_TXN (lmdb 3.5.6).
    overlappingSync: false,
    noSubdir: true,
    sharedStructuresKey: Symbol.for('shape'),
  });
}

/** In memory (/dev/shm), nothing synchronised to a disk; `putSync` ends with the change seen by all processes. */
export async function lmdbStore(path: string): Promise<RowStore> {
  const db = openLmdb(path);
  return {
    set: (key, row) => db.putSync(key, row),
    get: (key) => db.get(key),
    increment: (key) =>
      db.transactionSync(() => {
        const row = db.get(key) as SmallRow;
        db.putSync(key, { ...row, id: row.id + 1 });
      }),
    close: () => db.close(),
  };
}

/** As lmdb, in the way that it is fastest in: changes are collected, and committed by another thread. */
export async function lmdbBatchStore(path: string): Promise<RowStore> {
  const db = openLmdb(path);
  return {
    set: (key, row) => db.put(key, row),
    get: (key) => db.get(key),
    increment: (key) =>
      db.transaction(() => {
        const row = db.get(key) as SmallRow;
        db.put(key, { ...row, id: row.id + 1 });
      }),
    pipeline: 1_000,
    close: () => db.close(),
  };
}

/** In memory (/dev/shm), with a write-ahead log, nothing synchronised to a disk. */
export async function sqliteStore(path: string): Promise<RowStore> {
  const Sqlite = loadPeer<typeof Database>('better-sqlite3');
  const db = new Sqlite(path, { timeout: 60_000 });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = OFF');
  db.exec(
    'CREATE TABLE IF NOT EXISTS t (key TEXT PRIMARY KEY, id INTEGER, score REAL, name TEXT) WITHOUT ROWID',
  );
  const set = db.prepare('INSERT OR REPLACE INTO t VALUES (?, ?, ?, ?)');
  const get = db.prepare('SELECT id, score, name FROM t WHERE key = ?');
  const increment = db.prepare('UPDATE t SET id = id + 1 WHERE key = ? RETURNING id');
  return {
    set: (key, row) => set.run(key, row.id, row.score, row.name),
    get: (key) => get.get(key),
    increment: (key) => increment.get(key),
    close: () => db.close(),
  };
}

/** A hash for each row, over a unix socket. */
export async function redisStore(path: string, pipeline: number): Promise<RowStore> {
  const { Redis } = await import('ioredis');
  const redis = new Redis({ path, enableAutoPipelining: pipeline > 1 });
  return {
    set: (key, row) => redis.hset(key, 'id', row.id, 'score', row.score, 'name', row.name),
    get: (key) => redis.hgetall(key),
    increment: (key) => redis.hincrby(key, 'id', 1),
    pipeline,
    close: () => redis.quit(),
  };
}

export const REDIS_PIPELINE = 100;

/** By the name of the contender; the path is a file's in /dev/shm, Redis's socket, or a table's name. */
export const stores: Record<string, (path: string) => RowStore | Promise<RowStore>> = {
  Map: mapStore,
  Table: tableStore,
  lmdb: lmdbStore,
  'lmdb, batched': lmdbBatchStore,
  'better-sqlite3': sqliteStore,
  Redis: (path) => redisStore(path, 1),
  'Redis, pipelined': (path) => redisStore(path, REDIS_PIPELINE),
};
