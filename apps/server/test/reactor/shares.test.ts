import { expect, test } from 'vitest';
import { type Flow, InFlight } from '../../src/reactor/in-flight.js';
import { LoneClient } from '../../src/reactor/lone-client.js';
import { PAUSE_WORKER, type Pausable } from '../../src/reactor/pause-reasons.js';
import { WaitingLine } from '../../src/reactor/waiting-line.js';

const flowOf = (client: string): Flow<string> => ({
  client,
  inFlight: 0,
  inFlightBytes: 0,
  sinceAsked: 0,
  sinceAskedBytes: 0,
});

test('what a worker says that it has taken is credited to those whose it was, whatever else is on its way', () => {
  const credited: string[] = [];
  const flight = new InFlight<string>(({ client }) => void credited.push(client));
  const [a, b] = [flowOf('a'), flowOf('b')];
  const asked: number[] = [];
  const add = (flow: Flow<string>, count: number) => {
    for (let i = 0; i < count; i++) flight.add(flow, 10);
  };
  const ask = () => {
    flight.endRun();
    asked.push(flight.last);
  };
  for (let i = 0; i < 200; i++) {
    add(a, 1);
    add(b, 2);
    if (i === 0) ask();
  }
  add(b, 5);
  ask();
  add(b, 50);
  expect([a.inFlight, b.inFlight, flight.size]).toEqual([200, 455, 655]);
  flight.taken(asked[0] as number);
  expect(credited).toEqual(['a', 'b']);
  expect([a.inFlight, b.inFlight, flight.size]).toEqual([199, 453, 652]);
  // A worker that says what cannot be changes nothing; nor does one that says it twice.
  const last = asked[1] as number;
  for (const wrong of [asked[0] as number, last - 1, last + 7, last + 51, -(2 ** 31), 2 ** 31 - 1])
    flight.taken(wrong);
  expect(flight.size).toBe(652);
  flight.taken(last);
  expect([a.inFlight, a.inFlightBytes, b.inFlight, b.inFlightBytes]).toEqual([0, 0, 50, 500]);
  add(b, 3);
  flight.forgive();
  expect([b.inFlight, b.inFlightBytes, flight.size]).toEqual([0, 0, 0]);
  add(a, 2);
  ask();
  flight.taken(flight.last);
  expect([a.inFlight, flight.size]).toEqual([0, 0]);
});

function lineOf() {
  const state = { room: false, order: [] as number[] };
  const turns: (() => void)[] = [];
  const line = new WaitingLine(
    () => state.room,
    (callback) => void turns.push(callback),
  );
  const clients = Array.from({ length: 20 }, (_, i): Pausable => {
    return { pauseFor: () => {}, resumeFor: (reason) => void state.order.push(i * reason) };
  });
  return { state, line, clients, turn: () => turns.splice(0).map((callback) => callback()).length };
}

test('who comes while others wait is behind them, though there is room', () => {
  const { state, line, clients, turn } = lineOf();
  for (const client of clients.slice(0, 19)) expect(line.admits(client)).toBe(false);
  state.room = true;
  line.release();
  expect(line.admits(clients[19] as Pausable)).toBe(false);
  expect(line.admits(clients[0] as Pausable)).toBe(true);
  while (turn() > 0);
  expect(state.order).toEqual(clients.map((_, i) => i * PAUSE_WORKER));
  for (const client of clients) expect(line.admits(client)).toBe(true);
});

test('who is let go and finds no room is the first one again', () => {
  const { state, line, clients, turn } = lineOf();
  for (const client of clients) line.admits(client);
  state.room = true;
  line.release();
  state.room = false;
  const [first, second] = clients as [Pausable, Pausable];
  expect(line.admits(second)).toBe(false);
  expect(line.admits(first)).toBe(false);
  state.order = [];
  state.room = true;
  line.release();
  expect(state.order.slice(0, 2)).toEqual([1 * PAUSE_WORKER, 0]);
  while (turn() > 0);
  // Each of those that have not had their turn has come once, and nobody is left.
  expect(new Set(state.order).size).toBe(state.order.length);
  expect(line.admits(clients[19] as Pausable)).toBe(true);
});

/** A `LoneClient` whose worker takes what it was asked about within `answer` milliseconds. */
function loneOf() {
  let now = 0;
  const lone = new LoneClient(() => now);
  let number = 0;
  const answer = (ms: number) => {
    lone.asked(++number);
    now += ms;
    return lone.taken(number);
  };
  /** Alone for as long as it takes before its share grows. */
  const stayAlone = () => void answer(5);
  return { lone, answer, stayAlone };
}

test('the share of a client that alone sends to a worker grows while that takes its messages quickly, and no further', () => {
  const { lone, answer, stayAlone } = loneOf();
  const [a, b] = [{}, {}];
  expect(lone.sends(a)).toBe(false);
  stayAlone();
  const shares = [2, 4, 8, 16, 32, 32].map((expected) => {
    expect(answer(0.2)).toBe(false);
    expect(lone.sends(a)).toBe(false);
    return [lone.shares(a), expected];
  });
  for (const [got, expected] of shares) expect(got).toBe(expected);
  expect(lone.shares(b)).toBe(1);
});

test('when another client sends, both have one share, and what was sent beyond it is to be asked about', () => {
  const { lone, answer, stayAlone } = loneOf();
  const [a, b] = [{}, {}];
  lone.sends(a);
  stayAlone();
  answer(0.2);
  expect(lone.sends(b)).toBe(true);
  expect([lone.shares(a), lone.shares(b)]).toEqual([1, 1]);
  // There was nothing beyond it.
  expect(lone.sends(a)).toBe(false);
});

test('a client beside one that waits for each of its answers keeps one share', () => {
  const { lone, answer } = loneOf();
  const [a, b] = [{}, {}];
  for (let trip = 0; trip < 100; trip++) {
    lone.sends(b);
    lone.sends(a);
    for (let i = 0; i < 10; i++) answer(0.2);
    expect(lone.shares(a)).toBe(1);
  }
});

test('a question that was asked for another client says nothing about the next one', () => {
  const { lone } = loneOf();
  const [a, b] = [{}, {}];
  lone.sends(a);
  lone.asked(1);
  lone.sends(b);
  expect(lone.taken(1)).toBe(false);
  expect(lone.shares(b)).toBe(1);
});

test('a worker that takes long makes the share smaller again, down to one', () => {
  const { lone, answer, stayAlone } = loneOf();
  const a = {};
  lone.sends(a);
  stayAlone();
  for (let i = 0; i < 2; i++) answer(0.2);
  // Neither quick nor slow.
  expect(answer(2)).toBe(false);
  expect(lone.shares(a)).toBe(4);
  expect(answer(50)).toBe(true);
  expect(answer(50)).toBe(true);
  expect(answer(50)).toBe(false);
  expect(lone.shares(a)).toBe(1);
});

test('a worker that was replaced has to be quick itself', () => {
  const { lone, answer, stayAlone } = loneOf();
  const a = {};
  lone.sends(a);
  stayAlone();
  answer(0.2);
  lone.reset();
  lone.sends(a);
  expect(lone.shares(a)).toBe(1);
});
