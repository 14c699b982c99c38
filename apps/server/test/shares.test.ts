import { expect, test } from 'vitest';
import { HOLD_WORKER, type Holdable } from '../src/reactor/holds.js';
import { type Flow, InFlight } from '../src/reactor/in-flight.js';
import { WaitingLine } from '../src/reactor/waiting-line.js';

const flowOf = (client: string): Flow<string> => ({ client, inFlight: 0, inFlightBytes: 0 });

test('what a worker says that it has taken is credited to those whose it was, whatever else is on its way', () => {
  const credited: string[] = [];
  const flight = new InFlight<string>(({ client }) => void credited.push(client));
  const [a, b] = [flowOf('a'), flowOf('b')];
  for (let i = 0; i < 100; i++) flight.add(i % 3 === 0 ? a : b, 10);
  expect([a.inFlight, b.inFlight]).toEqual([34, 66]);
  const { last } = flight;
  for (let i = 0; i < 50; i++) flight.add(b, 1);
  flight.taken(last - 99 + 2);
  expect(credited).toEqual(['a', 'b', 'b']);
  flight.taken(last);
  expect([a.inFlight, a.inFlightBytes, b.inFlight, b.inFlightBytes]).toEqual([0, 0, 50, 50]);
  // A worker that says what cannot be changes nothing.
  for (const wrong of [last, last - 7, last + 51, -(2 ** 31), 2 ** 31 - 1]) flight.taken(wrong);
  expect(b.inFlight).toBe(50);
  flight.forgive();
  expect([b.inFlight, b.inFlightBytes, flight.size]).toEqual([0, 0, 0]);
});

function lineOf() {
  const state = { room: false, order: [] as number[] };
  const turns: (() => void)[] = [];
  const line = new WaitingLine(
    () => state.room,
    (callback) => void turns.push(callback),
  );
  const clients = Array.from({ length: 20 }, (_, i): Holdable => {
    return { hold: () => {}, release: (reason) => void state.order.push(i * reason) };
  });
  return { state, line, clients, turn: () => turns.splice(0).map((callback) => callback()).length };
}

test('who comes while others wait is behind them, though there is room', () => {
  const { state, line, clients, turn } = lineOf();
  for (const client of clients.slice(0, 19)) expect(line.admits(client)).toBe(false);
  state.room = true;
  line.release();
  expect(line.admits(clients[19] as Holdable)).toBe(false);
  expect(line.admits(clients[0] as Holdable)).toBe(true);
  while (turn() > 0);
  expect(state.order).toEqual(clients.map((_, i) => i * HOLD_WORKER));
  for (const client of clients) expect(line.admits(client)).toBe(true);
});

test('who is let go and finds no room is the first one again', () => {
  const { state, line, clients, turn } = lineOf();
  for (const client of clients) line.admits(client);
  state.room = true;
  line.release();
  state.room = false;
  const [first, second] = clients as [Holdable, Holdable];
  expect(line.admits(second)).toBe(false);
  expect(line.admits(first)).toBe(false);
  state.order = [];
  state.room = true;
  line.release();
  expect(state.order.slice(0, 2)).toEqual([1 * HOLD_WORKER, 0]);
  while (turn() > 0);
  // Each of those that have not had their turn has come once, and nobody is left.
  expect(new Set(state.order).size).toBe(state.order.length);
  expect(line.admits(clients[19] as Holdable)).toBe(true);
});
