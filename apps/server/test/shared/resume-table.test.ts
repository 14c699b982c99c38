import { randomFillSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { asReactor, asSession, asWorker, type ListenerIndex } from '../../src/contract/ids.js';
import type { KeptRequest } from '../../src/contract/resumable.js';
import { CLOSED, OPEN } from '../../src/shared/connection-layout.js';
import { ConnectionSlot, ConnectionTable } from '../../src/shared/connection-table.js';
import * as layout from '../../src/shared/resume-layout.js';
import { ResumeTable } from '../../src/shared/resume-table.js';

const CELLS = 4;
const REQUEST: KeptRequest = {
  name: 'default',
  url: '/chat',
  headers: ['Host', 'here', 'X-Name', 'Zoë'],
  accepted: ['Sec-WebSocket-Protocol: a'],
};

function tables() {
  const connections = new ConnectionTable(new ArrayBuffer(ConnectionTable.bytes(CELLS)), CELLS);
  const memory = new ArrayBuffer(ResumeTable.bytes(CELLS));
  const slot = new ConnectionSlot(connections);
  const open = (id: number) => {
    const session = asSession(id);
    slot.take({
      state: OPEN,
      listener: 0 as ListenerIndex,
      reactor: asReactor(0),
      worker: asWorker(0),
      uid: 0,
      flags: 0,
      reason: 0,
      remotePort: 1,
      tlsCell: 0,
      session,
      connectTime: 1,
      host: '',
    });
    return session;
  };
  const close = (id: number) => slot.at(connections.slot(id)).change({ state: CLOSED });
  /** As another process has it. */
  const table = () => new ResumeTable(memory, CELLS, connections);
  return { memory, open, close, table };
}

test('what one process has kept another one finds, less what is older', () => {
  const { table, open } = tables();
  const session = open(1);
  const one = table();
  const cell = one.take(session, REQUEST, 7);
  expect(table().read(cell, session, 7)).toEqual({
    request: REQUEST,
    state: undefined,
    messages: 0,
    unsettled: 0,
    tries: 0,
  });
  one.took(cell, 8, 1);
  one.keep(cell, Buffer.from('first'), 1);
  one.keep(cell, Buffer.from('second'), 1);
  one.took(cell, 9, 2);
  one.took(cell, 10, 3);
  expect(table().read(cell, session, 10)).toMatchObject({
    state: Buffer.from('second'),
    messages: 3,
    unsettled: 2,
  });
});

test('killed before any of its stores, a process leaves the state from before or the one that it keeps', () => {
  const { memory, table, open } = tables();
  const session = open(1);
  const cell = table().take(session, REQUEST, 0);
  table().keep(cell, Buffer.alloc(4_096, 'a'), 0);
  const before = Buffer.from(memory.slice(0));
  table().keep(cell, Buffer.alloc(3_000, 'b'), 0);
  const after = Buffer.from(memory);
  // Everything but KEPT is written before KEPT is: with the word from before, the state is the one from before.
  const kept = CELLS * layout.OWNER_BYTES + (cell - 1) * layout.CELL_BYTES + layout.KEPT_WORD * 4;
  expect(table().read(cell, session, 0)?.state).toEqual(Buffer.alloc(3_000, 'b'));
  before.copy(after, kept, kept, kept + 4);
  expect(table().read(cell, session, 0)?.state).toEqual(Buffer.alloc(4_096, 'a'));
});

test('killed between two stores of a message that it takes, a process leaves a count that is true', () => {
  const { table, open } = tables();
  const session = open(1);
  const cell = table().take(session, REQUEST, 4);
  table().took(cell, 5, 1);
  // PROGRESS does not name it yet: it is taken by the next process.
  expect(table().read(cell, session, 4)).toMatchObject({ messages: 0 });
  expect(table().read(cell, session, 5)).toMatchObject({ messages: 1 });
});

test('the cell of a session that is closed is another one’s, whether its process has tidied up or has died', () => {
  const { table, open, close } = tables();
  const one = table();
  const cells = [1, 2, 3, 4].map((id) => one.take(open(id), REQUEST, 0));
  expect(new Set(cells).size).toBe(CELLS);
  expect(one.take(open(5), REQUEST, 0)).toBe(0);
  close(2);
  expect(table().take(asSession(5), REQUEST, 0)).toBe(cells[1]);
  // What comes late from the process before does nothing to it.
  one.release(cells[1] as number, asSession(2));
  expect(table().read(cells[1] as number, asSession(5), 0)?.request).toEqual(REQUEST);
  one.release(cells[2] as number, asSession(3));
  expect(table().read(cells[2] as number, asSession(3), 0)).toBeUndefined();
});

test('nothing of a session that is closed stays', () => {
  const { memory, table, open } = tables();
  const session = open(1);
  const cell = table().take(session, REQUEST, 0);
  table().keep(cell, Buffer.from('a secret'), 0);
  expect(Buffer.from(memory).includes('a secret')).toBe(true);
  table().release(cell, session);
  expect(Buffer.from(memory).some((byte) => byte !== 0)).toBe(false);
});

test('a request that has no room takes no cell', () => {
  const { table, open } = tables();
  const long = { ...REQUEST, url: `/${'x'.repeat(layout.HEAD_BYTES)}` };
  expect(table().take(open(1), long, 0)).toBe(0);
});

test('whatever a process has written there, another reads something that was kept or nothing', () => {
  const { memory, table, open } = tables();
  const session = open(1);
  const bytes = Buffer.from(memory);
  for (let turn = 0; turn < 300; turn++) {
    bytes.fill(0);
    const cell = table().take(session, REQUEST, 3);
    table().keep(cell, Buffer.from('kept'), 0);
    const at = CELLS * layout.OWNER_BYTES + (cell - 1) * layout.CELL_BYTES;
    // The words before HEAD, one after the other, and then HEAD itself.
    if (turn % 17 < 16) randomFillSync(bytes, at + (turn % 17) * 4, 4);
    else randomFillSync(bytes, at + layout.HEAD_AT, 100);
    const found = table().read(cell, session, 3);
    if (found === undefined) continue;
    expect(found.request).toEqual(REQUEST);
    expect(found.state?.length ?? 0).toBeLessThanOrEqual(layout.STATE_BYTES);
  }
  expect(table().read(-1, session, 3)).toBeUndefined();
  expect(table().read(2 ** 31, session, 3)).toBeUndefined();
});
