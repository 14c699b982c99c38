import { randomFillSync } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TraceSteps } from '../../src/admin/trace-steps.js';
import type { Topology } from '../../src/links/topology.js';
import { monotonicNow } from '../../src/process/heartbeat.js';
import { monotonicMicros, SessionTrace, WATCH_MS } from '../../src/shared/session-trace.js';
import * as layout from '../../src/shared/trace-layout.js';
import { type TraceCursor, TraceWatches } from '../../src/shared/trace-watches.js';

const { RECORDS, WATCHES, TAKEN } = layout;

let memory: ArrayBuffer;
let watches: TraceWatches;
let writer: SessionTrace;
beforeEach(() => {
  memory = new ArrayBuffer(layout.TRACE_BYTES);
  watches = new TraceWatches(memory);
  writer = new SessionTrace(memory, 0);
});
afterEach(() => watches.close());

const note = (session: number, bytes: number) => writer.note(session, TAKEN, 2, bytes, 0, 0);
const opened = (session: number) => watches.open(session) as TraceCursor;
const bytesOf = (cursor: TraceCursor) => cursor.read(RECORDS).records.map(({ bytes }) => bytes);

test('of sessions that nobody traces nothing is noted', () => {
  note(1, 10);
  const cursor = opened(1);
  note(1, 11);
  note(2, 12);
  expect(bytesOf(cursor)).toEqual([11]);
  cursor.close();
  cursor.close();
  expect(writer.isOn).toBe(false);
  note(1, 13);
  expect(bytesOf(cursor)).toEqual([]);
});

test('two who trace one session take one place, and each reads all from where it began', () => {
  const first = opened(5);
  note(5, 1);
  const second = opened(5);
  note(5, 2);
  expect([bytesOf(first), bytesOf(second)]).toEqual([[1, 2], [2]]);
  first.close();
  note(5, 3);
  expect([writer.isOn, bytesOf(second)]).toEqual([true, [3]]);
});

test('there is room for so many sessions, and for another one as soon as one of them is left', () => {
  const cursors = Array.from({ length: WATCHES }, (_, at) => opened(at + 1));
  expect(watches.open(100)).toBeUndefined();
  cursors[3]?.close();
  const next = opened(100);
  note(4, 1);
  note(100, 2);
  expect(bytesOf(next)).toEqual([2]);
});

test('what is written over before it is read is counted', () => {
  const cursor = opened(1);
  for (let n = 0; n < RECORDS + 25; n++) note(1, n);
  const { records, missed } = cursor.read(RECORDS);
  expect([missed, records.length, records[0]?.bytes]).toEqual([25, RECORDS, 25]);
});

test('tickets that wrap go on in order', () => {
  new Int32Array(memory)[layout.nextWord(0)] = 2 ** 31 - 2;
  const cursor = opened(1);
  for (let n = 1; n <= 4; n++) note(1, n);
  expect(bytesOf(cursor)).toEqual([1, 2, 3, 4]);
});

test('a record whose writer was killed in the middle is missed, and holds up those behind it for a moment alone', () => {
  const cursor = opened(1);
  note(1, 1);
  Atomics.add(new Int32Array(memory), layout.nextWord(0), 1);
  note(1, 3);
  const looks = Array.from({ length: 20 }, () => cursor.read(RECORDS));
  expect(looks.flatMap(({ records }) => records.map(({ bytes }) => bytes))).toEqual([1, 3]);
  expect(looks.reduce((all, { missed }) => all + missed, 0)).toBe(1);
});

test('a record that two writers have mixed is not taken', () => {
  const cursor = opened(1);
  note(1, 7);
  new Int32Array(memory)[layout.recordWord(0, 0) + layout.BYTES_WORD] = 9;
  const looks = Array.from({ length: 20 }, () => cursor.read(RECORDS));
  expect(looks.flatMap(({ records }) => records)).toEqual([]);
});

test('tracing that an admin process has left on is switched off by reactors, and by the next admin process', () => {
  opened(1);
  const now = monotonicNow();
  writer.expire(now);
  expect(writer.isOn).toBe(true);
  writer.expire(now + WATCH_MS);
  expect(writer.isOn).toBe(false);
  opened(2);
  new TraceWatches(memory);
  expect(writer.isOn).toBe(false);
});

test('a time that no admin process has written keeps nothing on', () => {
  opened(1);
  for (const until of [Number.NaN, Number.POSITIVE_INFINITY, 1e300]) {
    const words = new Int32Array(memory);
    words[layout.ACTIVE_WORD] = -1;
    new Float64Array(memory)[layout.untilDouble(0)] = until;
    writer.expire(monotonicNow());
    expect(words[layout.ACTIVE_WORD]).toBe(0);
  }
});

test('a process that writes over all of it spoils what is told, and neither what reads it nor what writes to it', () => {
  const topology = { workers: 2, taskWorkers: 0, userProcesses: 0, reactors: 1 } as Topology;
  const steps = new TraceSteps(topology, monotonicMicros);
  const cursor = opened(1);
  for (let round = 0; round < 200; round++) {
    note(1, round);
    randomFillSync(new Uint8Array(memory), 0, layout.recordWord(0, 64) * 4);
    if (round % 2 === 0) note(1, round);
    const { records } = cursor.read(RECORDS);
    expect(records.length).toBeLessThanOrEqual(RECORDS);
    for (const record of records) steps.take(record);
  }
  for (let n = 0; n < 5_000; n++) {
    const [step, who, kind, bytes, aux, detail] = randomFillSync(new Int32Array(6)) as unknown as number[];
    const record = {
      step: Math.abs(step as number) % 9,
      who: (who as number) % 4,
      pid: 1,
      kind,
      bytes,
      aux,
      detail,
    };
    for (const report of steps.take({ ...record, time: monotonicMicros() } as never) ?? [])
      expect(JSON.stringify(report).length).toBeLessThan(1_000);
  }
});
