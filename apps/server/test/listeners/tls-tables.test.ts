/** What of TLS lies in shared memory: details of clients, and in base mode keys. */
import { createMemory, MappedMemory } from '@millrace/native';
import { syscalls } from '@millrace/native/syscalls';
import { Authority } from '@millrace/testkit';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { TlsInfo } from '../../src/contract/client-info.js';
import { ServerError } from '../../src/errors.js';
import { capacityFor } from '../../src/shared/connection-layout.js';
import { hasKeys, readKeys, writeKeys } from '../../src/shared/keys.js';
import { HALF_BYTES, halfAt, KEYS_BYTES } from '../../src/shared/keys-layout.js';
import * as layout from '../../src/shared/tls-layout.js';
import { TlsTable } from '../../src/shared/tls-table.js';

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

test('a reader is held up by no writer that has stopped half-way, and one that is overtaken reads again', () => {
  const fd = keyMemory();
  const version = (text: string) => [{ key: text, cert: text }];
  for (const text of ['first', 'second']) writeKeys(fd, version(text));
  const memory = new MappedMemory(fd, KEYS_BYTES);
  onTestFinished(() => memory.close());
  // As if the master had been stopped while it wrote the third.
  Buffer.from(memory.buffer, halfAt(3), 100).fill(255);
  expect(readKeys(fd)).toEqual(version('second'));
  // While the reader copies the second, the third and the fourth are written, the latter over it.
  const { from } = Buffer;
  const copy = vi.spyOn(Buffer, 'from').mockImplementation(((...parts: Parameters<typeof from>) => {
    if (!((parts[0] as unknown) instanceof Uint8Array)) return from(...parts);
    copy.mockRestore();
    for (const text of ['third', 'the fourth, which is longer']) writeKeys(fd, version(text));
    return from(...parts);
  }) as typeof from);
  onTestFinished(() => copy.mockRestore());
  expect(readKeys(fd)).toEqual(version('the fourth, which is longer'));
});

test('owners of cells that were written over hold up no handshake, and cells that are truly taken stay', () => {
  const memory = new ArrayBuffer(TlsTable.bytes(CLIENTS));
  const table = new TlsTable(memory, CLIENTS, 2);
  const kept = table.write(0, 1, info('kept'));
  const owners = new Int32Array(memory, 0, capacityFor(CLIENTS));
  for (const value of [-1, 3, 1]) {
    owners.fill(value);
    const cells = [10, 11].map((session) => table.write(0, session, info(`${session}`)));
    expect(cells.every((cell) => cell > 0 && cell !== kept)).toBe(true);
    expect(cells.map((cell, i) => table.read(cell, 10 + i)?.cipher)).toEqual(['10', '11']);
    expect(table.read(kept, 1)?.cipher).toBe('kept');
    for (const cell of cells) table.release(cell);
  }
  // They seem to be another reactor's, which may be true.
  owners.fill(2);
  expect(table.write(0, 20, info('none'))).toBe(0);
});

test('a cell that was written over tells nothing, whatever is there', () => {
  const { memory, own } = tables(1);
  const [table] = own as [TlsTable];
  const cell = table.write(0, 1, info('x'));
  const words = new Int32Array(memory, capacityFor(CLIENTS) * layout.OWNER_BYTES);
  const at = (cell - 1) * layout.CELL_WORDS;
  for (const length of [-1, 2 ** 30, layout.TEXT_BYTES, 3]) {
    words[at + layout.LENGTH_WORD] = length;
    expect(table.read(cell, 1)).toBeUndefined();
  }
  const text = Buffer.from(memory, words.byteOffset + at * 4 + layout.TEXT_AT, layout.TEXT_BYTES);
  for (const json of ['null', '7', '{}', '{"protocol":1}', '[']) {
    words[at + layout.LENGTH_WORD] = text.write(json);
    expect(table.read(cell, 1)).toBeUndefined();
  }
});

test('keys that were written over are refused, and the master sees that', () => {
  const fd = createMemory('keys', KEYS_BYTES);
  onTestFinished(() => void syscalls.close(fd));
  const keys = [{ key: 'k', cert: 'c' }];
  const memory = new MappedMemory(fd, KEYS_BYTES);
  onTestFinished(() => memory.close());
  const words = new Int32Array(memory.buffer);
  for (const [word, value] of [
    [0, -7],
    [0, 2 ** 31 - 1],
    [halfAt(1) / 4, -1],
    [halfAt(1) / 4, 2 ** 30],
    [halfAt(1) / 4 + 2, 5],
    [halfAt(1) / 4 + 12, 5],
  ] as const) {
    words.fill(0);
    writeKeys(fd, keys);
    expect(hasKeys(fd, keys)).toBe(true);
    words[word] = value;
    if (word === 0) words[halfAt(1) / 4] = 9;
    expect(() => readKeys(fd)).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_TLS' }));
    expect(hasKeys(fd, keys)).toBe(false);
    writeKeys(fd, keys);
    expect(readKeys(fd)).toEqual(keys);
  }
});
