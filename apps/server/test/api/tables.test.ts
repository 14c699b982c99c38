import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asListener, asReactor, asSession, asWorker } from '../../src/contract/ids.js';
import { hashHost } from '../../src/reactor/hash-host.js';
import { OutputWindow } from '../../src/sessions/output-window.js';
import { CLOSED, capacityFor, FLAG_PAUSED, OPEN } from '../../src/shared/connection-layout.js';
import { type ConnectionRecord, ConnectionSlot, ConnectionTable } from '../../src/shared/connection-table.js';
import { Counters } from '../../src/shared/counters.js';
import {
  ACCEPTED_BY,
  countersBytes,
  PORTS,
  processAt,
  REFUSED_BY,
  reactorAt,
} from '../../src/shared/counters-layout.js';
import { SessionIds } from '../../src/shared/session-ids.js';

function table(maxConnections = 100): ConnectionTable {
  return new ConnectionTable(new ArrayBuffer(ConnectionTable.bytes(maxConnections)), maxConnections);
}

const record = (session: number): ConnectionRecord => ({
  state: OPEN,
  listener: asListener(3),
  reactor: asReactor(1),
  worker: asWorker(2),
  uid: -1,
  flags: 1,
  reason: 0,
  remotePort: 65_535,
  tlsCell: 0,
  session: asSession(session),
  connectTime: 1_700_000_000_123,
  host: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
});

describe('the table of connections', () => {
  test('reads back what was written, whatever the id', () => {
    const own = table();
    for (const session of [1, 7, 2 ** 31, 2 ** 32 + 5, 2 ** 52]) {
      new ConnectionSlot(own).take(record(session));
      expect(own.read(session)).toEqual(record(session));
      expect(own.open(session)).toBe(own.slot(session));
    }
    expect(own.list(2 ** 31)).toEqual([2 ** 32 + 5, 2 ** 52]);
    expect(own.list(0, 2)).toEqual([]);
  });

  test('an id whose slot another session has is not found', () => {
    const own = table();
    const slot = new ConnectionSlot(own).take(record(5));
    expect(own.read(5 + own.capacity)).toBeUndefined();
    expect(own.open(5 + own.capacity)).toBe(-1);
    slot.change({ state: CLOSED });
    expect(own.open(5)).toBe(-1);
    expect(own.read(5)).toMatchObject({ state: CLOSED });
    new ConnectionSlot(own).take(record(5 + own.capacity));
    expect(own.read(5)).toBeUndefined();
  });
});

test('a change of a record leaves the rest of it as it was', () => {
  const own = table();
  const slot = new ConnectionSlot(own).take(record(9));
  slot.change({ uid: 77 });
  slot.flag(FLAG_PAUSED, true);
  slot.change({ state: CLOSED, reason: 4 });
  expect(own.read(9)).toEqual({ ...record(9), uid: 77, flags: 1 | FLAG_PAUSED, state: CLOSED, reason: 4 });
});

test('the times of a session are those of its last events', () => {
  const own = table();
  const slot = new ConnectionSlot(own).take(record(9));
  for (const now of [10, 10, 11]) {
    slot.received(now);
    slot.sent(now + 1);
    slot.dispatched(now + 2);
  }
  expect(own.times(9)).toEqual({ received: 11, sent: 12, dispatched: 13 });
  expect([slot.receivedAt, slot.sentAt]).toEqual([11, 12]);
  // Another session of the slot has none of them.
  new ConnectionSlot(own).take({ ...record(9 + own.capacity), connectTime: 5 });
  expect(own.times(9 + own.capacity)).toEqual({ received: 5, sent: 5, dispatched: 0 });
});

test('session ids ascend, and none is given out whose slot is taken', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(99), { maxLength: 400 }), (closes) => {
      const ids = new SessionIds(capacityFor(10), 1);
      const open: number[] = [];
      let last = 0;
      for (const close of closes) {
        if (open.length === 10) ids.release(open.splice(close % 10, 1)[0] as number);
        const id = ids.next();
        expect(id).toBeGreaterThan(last);
        expect(open.map((other) => other % capacityFor(10))).not.toContain(id % capacityFor(10));
        last = id;
        open.push(id);
      }
    }),
  );
});

test('a window counts what is on its way, neither too little alone nor for ever when others send too', () => {
  const own = table();
  const slot = new ConnectionSlot(own).take(record(1));
  const at = own.slot(1);
  const window = new OutputWindow(own, at);
  const pending = () => window.pending(own, at);
  window.sent(100);
  window.sent(50);
  expect(pending()).toBe(150);
  slot.took(100, 30);
  expect(pending()).toBe(80);
  slot.took(50, 0);
  expect(pending()).toBe(0);
  // Another process sends: nothing of that stays with this one.
  slot.took(1_000, 1_000);
  expect(pending()).toBe(1_000);
  slot.queued(0);
  expect(pending()).toBe(0);
  window.sent(10);
  expect(pending()).toBe(10);
  // Around the end of 32 bits.
  for (let i = 0; i < 5; i++) {
    window.sent(2 ** 30);
    slot.took(2 ** 30, 0);
    expect(pending()).toBe(10);
  }
});

test('no two counters share a place, and the last one ends with the memory', () => {
  const topology = { reactors: 3, listeners: 2, workers: 5, processes: 9 };
  const counters = new Counters(new ArrayBuffer(countersBytes(topology)), topology);
  const parts = [0, 1, 2]
    .map((r) => counters.reactor(r))
    .concat(Array.from({ length: 9 }, (_, p) => counters.process(p)));
  for (const [i, part] of parts.entries()) part.fill(i + 1);
  for (const [i, part] of parts.entries()) expect(new Set(part)).toEqual(new Set([i + 1]));
  expect(counters.server(0)).toBe(0);
  counters.setServer(PORTS + 255, 1);
  counters.setServer(ACCEPTED_BY + 255, 2);
  counters.setServer(REFUSED_BY + 255, 3);
  expect([PORTS, ACCEPTED_BY, REFUSED_BY].map((at) => counters.server(at + 255))).toEqual([1, 2, 3]);
  expect(new Set(counters.reactor(0))).toEqual(new Set([1]));
  for (const at of [reactorAt(topology, 1), processAt(topology, 4)]) expect(at % 8).toBe(0);
  expect([counters.nextRound(), counters.nextRound(), counters.nextRound()]).toEqual([0, 1, 2]);
});

test('neighbouring addresses go to different workers', () => {
  expect([1, 2, 3, 4].map((last) => hashHost(`10.0.0.${last}`) % 4)).toEqual([1, 2, 3, 0]);
  expect(hashHost('2001:db8::1')).not.toBe(hashHost('2001:db8::2'));
});
