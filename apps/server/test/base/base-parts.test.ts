import { expect, test } from 'vitest';
import { LocalChannel } from '../../src/base/local-channel.js';
import { closeSlots } from '../../src/base/reaper.js';
import { asListener, asSession, asWorker, reactorOf, workerOfReactor } from '../../src/contract/ids.js';
import { CONNECT, Packet, RECEIVE } from '../../src/links/packet.js';
import { FairShare } from '../../src/reactor/fair-share.js';
import { ListenerCounts } from '../../src/reactor/listener-counts.js';
import * as layout from '../../src/shared/connection-layout.js';
import { type ConnectionRecord, ConnectionSlot, ConnectionTable } from '../../src/shared/connection-table.js';
import { CounterBlock } from '../../src/shared/counter-block.js';
import { Counters } from '../../src/shared/counters.js';
import {
  ACCEPTED_HERE,
  CLOSED,
  LISTENER_ACCEPTED,
  LISTENER_CLOSED,
  listenerAt,
} from '../../src/shared/counters-layout.js';
import { SessionIds } from '../../src/shared/session-ids.js';

/** Two ends, of which the right one is called at once with RECEIVE; what is scheduled runs when `turn` is called. */
function ends() {
  const scheduled: (() => void)[] = [];
  const schedule = (deliver: () => void) => void scheduled.push(deliver);
  const [left, right] = LocalChannel.pair(
    { direct: () => true, schedule },
    { direct: ({ type }) => type === RECEIVE, schedule },
  );
  const turn = () => {
    for (const deliver of scheduled.splice(0)) deliver();
  };
  return { left, right, turn };
}

const packet = (type: number, text = '') => new Packet().set(type, 1).with(Buffer.from(text));

test('a message is delivered within send, and what was sent before comes first', () => {
  const { left, right } = ends();
  const got: string[] = [];
  right.on('message', (message) => got.push(`${message.type} ${message.text()}`));
  left.send(packet(CONNECT, 'somebody'));
  expect(got).toEqual([]);
  left.send(packet(RECEIVE, 'hello'));
  expect(got).toEqual([`${CONNECT} somebody`, `${RECEIVE} hello`]);
});

test('what comes of a handler is delivered after it, and is a copy', () => {
  const { left, right, turn } = ends();
  const got: string[] = [];
  const reused = packet(CONNECT, 'first');
  left.on('message', () => {
    left.send(reused);
    reused.with(Buffer.from('second'));
    left.send(reused);
  });
  right.on('message', (message) => {
    got.push(`begin ${message.text()}`);
    if (message.type === RECEIVE) right.send(packet(RECEIVE));
    got.push(`end ${message.text()}`);
  });
  left.send(packet(RECEIVE, 'message'));
  expect(got).toEqual(['begin message', 'end message']);
  turn();
  expect(got.slice(2)).toEqual(['begin first', 'end first', 'begin second', 'end second']);
});

test('an end that is paused in the middle of what waits gets the rest, in order, once it is resumed', () => {
  const { left, right, turn } = ends();
  const got: string[] = [];
  let drained = 0;
  left.on('drain', () => drained++);
  right.on('message', (message) => {
    got.push(message.text());
    if (got.length === 2) right.pause();
  });
  for (const text of ['1', '2', '3']) left.send(packet(CONNECT, text));
  turn();
  expect(got).toEqual(['1', '2']);
  expect(left.writable).toBe(false);
  expect(left.send(packet(RECEIVE, '4'))).toBe(false);
  expect(left.queuedBytes).toBeGreaterThan(0);
  right.resume();
  expect(drained).toBe(1);
  turn();
  expect(got).toEqual(['1', '2', '3', '4']);
  expect(left.queuedBytes).toBe(0);
});

const WORKERS = 3;

function table(): ConnectionTable {
  return new ConnectionTable(new ArrayBuffer(ConnectionTable.bytes(10, WORKERS)), 10, WORKERS);
}

const record = (session: number): ConnectionRecord => ({
  state: layout.OPEN,
  listener: asListener(0),
  reactor: reactorOf(session, WORKERS),
  worker: workerOfReactor(reactorOf(session, WORKERS)),
  uid: 0,
  flags: 0,
  reason: 0,
  remotePort: 1,
  tlsCell: 0,
  session: asSession(session),
  connectTime: 1,
  host: '192.0.2.1',
});

test('the sessions of one worker never have the slots of another', () => {
  const { capacity } = table();
  const ids = Array.from({ length: WORKERS }, (_, worker) => new SessionIds(capacity, worker + 3, WORKERS));
  for (const [, own] of ids.entries()) {
    const worker = own.next() % WORKERS;
    for (let i = 0; i < 3 * capacity; i++) {
      const id = own.next();
      expect(id % WORKERS).toBe(worker);
      expect((id % capacity) % WORKERS).toBe(worker);
      own.release(id);
    }
  }
});

test('a death closes the sessions of its worker and no others, and one that was half written is gone', () => {
  const connections = table();
  const slots = [1, 4, 7, 2, 3].map((id) => new ConnectionSlot(connections).take(record(id)));
  slots[2]?.change({ state: layout.CLOSING });
  // As if its writer had died between the two changes of SEQ.
  Atomics.add(connections.words, connections.slot(4) + layout.SEQ_WORD, 1);
  expect(connections.read(4)).toBeUndefined();
  closeSlots(connections, asWorker(1), WORKERS);
  expect([1, 4, 7, 2, 3].map((id) => connections.open(id) >= 0)).toEqual([false, false, false, true, true]);
  expect(connections.read(1)?.state).toBe(layout.CLOSED);
  expect(connections.read(7)?.state).toBe(layout.CLOSED);
  expect(connections.read(4)).toBeUndefined();
  // The slot is as good as any other for the next session.
  new ConnectionSlot(connections).take(record(4 + connections.capacity));
  expect(connections.read(4 + connections.capacity)).toEqual(record(4 + connections.capacity));
});

test('maxConnections holds for all workers together, and a death gives back what its worker had', () => {
  const topology = { reactors: 2, listeners: 2, workers: 2, processes: 2 };
  const counters = new Counters(new ArrayBuffer(Counters.bytes(topology)), topology);
  const accept = (worker: number) => {
    if (!counters.enter(worker, 3)) return false;
    const own = counters.reactor(worker);
    own[ACCEPTED_HERE] = (own[ACCEPTED_HERE] as number) + 1;
    own[listenerAt(1) + LISTENER_ACCEPTED] = own[ACCEPTED_HERE] as number;
    return true;
  };
  expect([accept(0), accept(0), accept(1), accept(1), accept(0)]).toEqual([true, true, true, false, false]);
  counters.leave(1);
  new ListenerCounts(new CounterBlock(counters.reactor(0))).closed(asListener(1), 'client');
  expect([accept(0), accept(1)]).toEqual([true, false]);
  counters.abandon(0);
  expect(counters.reactor(0)[CLOSED]).toBe(3);
  expect(counters.closeCounts()).toMatchObject({ client: 1, worker_died: 2, server: 0 });
  expect([0, 1].map((listener) => counters.ofListener(listener, LISTENER_CLOSED))).toEqual([0, 3]);
  expect([accept(1), accept(1), accept(1), accept(1)]).toEqual([true, true, true, false]);
});

test('a worker that has more clients lets others accept, as long as they do', () => {
  const topology = { reactors: 3, listeners: 1, workers: 3, processes: 3 };
  const counters = new Counters(new ArrayBuffer(Counters.bytes(topology)), topology);
  const share = new FairShare(counters, 0);
  const accept = (worker: number, count: number) => {
    for (let i = 0; i < count; i++) counters.enter(worker, 1_000);
    const own = counters.reactor(worker);
    own[ACCEPTED_HERE] = (own[ACCEPTED_HERE] as number) + count;
  };
  accept(0, 50);
  // Nobody else has ever taken one.
  expect(share.pause()).toBe(0);
  accept(1, 10);
  expect(share.pause()).toBeGreaterThan(0);
  // It has taken none since: it may be stuck.
  expect(share.pause()).toBe(0);
  accept(1, 1);
  expect(share.pause()).toBeGreaterThan(0);
  accept(1, 35);
  expect(share.pause()).toBe(0);
  accept(2, 1);
  expect(share.pause()).toBeGreaterThan(0);
});
