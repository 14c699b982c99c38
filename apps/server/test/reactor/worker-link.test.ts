import type { TransportChannel } from '@millrace/channel';
import { expect, test } from 'vitest';
import { asReactor, asWorker } from '../../src/contract/ids.js';
import type { Packet } from '../../src/links/packet.js';
import { PAUSE_WORKER, type Pausable } from '../../src/reactor/pause-reasons.js';
import { WorkerLink } from '../../src/reactor/worker-link.js';
import { ConnectionSlot, ConnectionTable } from '../../src/shared/connection-table.js';
import { CounterBlock } from '../../src/shared/counter-block.js';
import { Counters } from '../../src/shared/counters.js';
import { SessionTrace } from '../../src/shared/session-trace.js';
import { TRACE_BYTES } from '../../src/shared/trace-layout.js';

/** A link whose channel is full and drains as the test says, and the turns that it has asked for. */
function linkOf() {
  const channel = {
    writable: false,
    drain: () => {},
    on: (_name: 'drain', listener: () => void) => {
      channel.drain = listener;
    },
  };
  const topology = { reactors: 1, listeners: 1, workers: 1, processes: 1 };
  const counters = new Counters(new ArrayBuffer(Counters.bytes(topology)), topology);
  const turns: (() => void)[] = [];
  const link = new WorkerLink<undefined>(
    asWorker(0),
    channel as unknown as TransportChannel<Packet>,
    counters,
    new CounterBlock(counters.reactor(0)),
    asReactor(0),
    (callback) => void turns.push(callback),
    new ConnectionSlot(new ConnectionTable(new ArrayBuffer(ConnectionTable.bytes(1)), 1)),
    new SessionTrace(new ArrayBuffer(TRACE_BYTES), 0),
  );
  return { link, channel, turn: () => turns.splice(0).map((callback) => callback()).length };
}

function clientsOf(link: WorkerLink<undefined>, count: number, released: number[]): Pausable[] {
  return Array.from({ length: count }, (_, i) => {
    const client = { pauseFor: () => {}, resumeFor: (reason: number) => void released.push(i * reason) };
    link.hold(client);
    return client;
  });
}

test('clients that a full worker has held up are let go some in each turn, all of them, first come first', () => {
  const { link, channel, turn } = linkOf();
  const released: number[] = [];
  clientsOf(link, 30, released);
  channel.writable = true;
  channel.drain();
  const first = released.length;
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(30);
  while (turn() > 0);
  expect(released).toEqual(Array.from({ length: 30 }, (_, i) => i * PAUSE_WORKER));
});

test('a worker that is full again keeps the others until it drains once more; those that have gone are forgotten', () => {
  const { link, channel, turn } = linkOf();
  const released: number[] = [];
  const clients = clientsOf(link, 30, released);
  channel.writable = true;
  channel.drain();
  const first = released.length;
  channel.writable = false;
  while (turn() > 0);
  expect(released).toHaveLength(first);
  link.forget(clients[29] as Pausable);
  channel.writable = true;
  channel.drain();
  // A drain while more are about to be let go brings no second line of turns.
  channel.drain();
  for (let count = turn(); count > 0; count = turn()) expect(count).toBe(1);
  expect(released).toEqual(Array.from({ length: 29 }, (_, i) => i * PAUSE_WORKER));
});
