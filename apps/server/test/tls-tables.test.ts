/** What of TLS lies in shared memory: details of clients, and in base mode keys. */
import { Worker } from 'node:worker_threads';
import { createMemory, syscalls } from '@millrace/native';
import { Authority } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { readKeys, writeKeys } from '../src/base/keys.js';
import { HALF_BYTES, KEYS_BYTES } from '../src/base/keys-layout.js';
import { ServerError } from '../src/errors.js';
import { capacityFor } from '../src/shared/connection-layout.js';
import * as layout from '../src/shared/tls-layout.js';
import { type TlsInfo, TlsTable } from '../src/shared/tls-table.js';

const CLIENTS = 10;
const info = (cipher: string): TlsInfo => ({ protocol: 'TLSv1.3', cipher, authorized: false });

function tables(count: number): { memory: ArrayBuffer; own: TlsTable[] } {
  const memory = new ArrayBuffer(TlsTable.bytes(CLIENTS));
  return { memory, own: Array.from({ length: count }, () => new TlsTable(memory, CLIENTS)) };
}

test('every reactor finds a cell for as many clients as there may be, and no cell tells of two', () => {
  const { own } = tables(3);
  const open = new Map<number, number>();
  for (let session = 1; session < 200; session++) {
    const reactor = session % own.length;
    const table = own[reactor] as TlsTable;
    open.set(session, table.write(reactor, session, info(`${session}`)));
    for (const [id, cell] of open) expect(table.read(cell, id)?.cipher).toBe(`${id}`);
    if (open.size < CLIENTS) continue;
    const leaving = [...open.keys()][(session * 7) % CLIENTS] as number;
    const cell = open.get(leaving) as number;
    own[leaving % own.length]?.release(cell);
    open.delete(leaving);
    // Up to the next session that needs the cell.
    expect(table.read(cell, leaving)?.cipher).toBe(`${leaving}`);
  }
});

test('a death gives back the cells of its reactor alone; one that was half written tells nothing and holds nobody up', () => {
  const { memory, own } = tables(2);
  const [left, right] = own as [TlsTable, TlsTable];
  const lost = [1, 3, 5].map((session) => left.write(1, session, info('lost')));
  const kept = right.write(0, 2, info('kept'));
  // As if its writer had died between the two stores of SEQ.
  const [torn] = lost as [number];
  const words = new Int32Array(memory, capacityFor(CLIENTS) * layout.OWNER_BYTES);
  const seq = (torn - 1) * layout.CELL_WORDS + layout.SEQ_WORD;
  Atomics.sub(words, seq, 1);
  expect(right.read(torn, 1)).toBeUndefined();
  right.abandon(1);
  expect(right.read(kept, 2)?.cipher).toBe('kept');
  // All but one are free again, and as good as any other.
  const cells = Array.from({ length: capacityFor(CLIENTS) - 1 }, (_, i) => {
    const cell = right.write(0, 100 + i, info(`${i}`));
    expect(right.read(cell, 100 + i)?.cipher).toBe(`${i}`);
    return cell;
  });
  expect(new Set([...cells, kept]).size).toBe(capacityFor(CLIENTS));
});

test('no client has a cell by number 0, or by one that there is not', () => {
  const [table] = tables(1).own as [TlsTable];
  table.write(0, 1, info('any'));
  for (const cell of [0, -1, capacityFor(CLIENTS) + 1]) expect(table.read(cell, 1)).toBeUndefined();
});

function keyMemory(): number {
  const fd = createMemory('millrace-test-keys', KEYS_BYTES);
  onTestFinished(() => void syscalls.close(fd));
  return fd;
}

test('keys come out as they went in; too many are an error, and those before stay', () => {
  const fd = keyMemory();
  using authority = new Authority();
  const keys = [undefined, { ...authority.issue('localhost'), ticketKeys: Buffer.alloc(48, 7), sni: {} }];
  writeKeys(fd, keys);
  expect(readKeys(fd)).toEqual(keys);
  const write = () => writeKeys(fd, [{ ca: 'x'.repeat(HALF_BYTES) }]);
  expect(write).toThrow(ServerError);
  expect(write).toThrow(/take \d+ bytes; in base mode they have \d+/);
  expect(readKeys(fd)).toEqual(keys);
});

test('a reader gets keys that belong together, however often they are written meanwhile', async () => {
  const fd = keyMemory();
  writeKeys(fd, [{ key: '', cert: '' }]);
  // Of changing length, so that halves of two versions could never be taken for one.
  const writer = new Worker(
    `const { workerData: { module, fd } } = require('node:worker_threads');
     import(module).then(({ writeKeys }) => {
       for (let i = 0; i < 2_000; i++) {
         const text = String(i % 10).repeat(1 + (i * 37) % 20_000);
         writeKeys(fd, [{ key: text, cert: text }]);
       }
     });`,
    { eval: true, workerData: { module: new URL('../dist/base/keys.js', import.meta.url).href, fd } },
  );
  let going = true;
  const ended = new Promise<number>((resolve, reject) => {
    writer.once('exit', resolve).once('error', reject);
  }).finally(() => {
    going = false;
  });
  const seen = new Set<string>();
  while (going) {
    const [options] = readKeys(fd);
    expect(options?.key).toBe(options?.cert);
    seen.add(`${options?.key}`);
    await new Promise(setImmediate);
  }
  expect(await ended).toBe(0);
  expect(String(readKeys(fd)[0]?.key)).toMatch(/^9+$/);
  expect(seen.size).toBeGreaterThan(1);
});
