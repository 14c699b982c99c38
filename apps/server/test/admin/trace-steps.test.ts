import { expect, test } from 'vitest';
import type { StepReport } from '../../src/admin/trace-schemas.js';
import { TraceSteps } from '../../src/admin/trace-steps.js';
import * as packet from '../../src/links/packet.js';
import type { Topology } from '../../src/links/topology.js';
import * as trace from '../../src/shared/trace-layout.js';

const topology = { workers: 2, taskWorkers: 1, userProcesses: 0, reactors: 1 } as Topology;
const REACTOR = -1;
const TASK_WORKER = 2;
const WHOLE = packet.PIECE_BEGINS | packet.PIECE_ENDS;

/** Steps a microsecond apart; each is what it is, who notes it, the kind of packet, bytes, aux and detail. */
function told(...steps: (readonly [number, number, number, number, number?, number?])[]): StepReport[] {
  let time = 1e9;
  const traced = new TraceSteps(topology, () => 1e9);
  return steps.flatMap(([step, who, kind, bytes, aux = 0, detail = 0]) => {
    time++;
    return traced.take({ step, who, pid: 7, kind, bytes, time, aux, detail }) ?? [];
  });
}

const short = (reports: StepReport[]) =>
  reports.map(({ step, message, request, kind }) => [step, message, request, kind]);

test('a request that comes in pieces is one message, and so is what else was read of it', () => {
  const first = packet.pieceAux(1, packet.PIECE_BEGINS);
  const last = packet.pieceAux(1, packet.PIECE_ENDS);
  const reports = told(
    [trace.READ, REACTOR, 0, 50],
    [trace.READ, REACTOR, 0, 50],
    [trace.DISPATCHED, REACTOR, packet.RECEIVE, 100, first],
    [trace.TAKEN, 0, packet.RECEIVE, 100, first],
    [trace.READ, REACTOR, 0, 30],
    [trace.DISPATCHED, REACTOR, packet.RECEIVE, 30, last],
    [trace.READ, REACTOR, 0, 20],
  );
  expect(short(reports)).toEqual([
    ['read', 1, null, null],
    ['read', 1, null, null],
    ['dispatched', 1, 1, 'request-begin'],
    ['taken', 1, 1, 'request-begin'],
    ['read', 1, 1, null],
    ['dispatched', 1, 1, 'request-rest'],
    ['read', 2, null, null],
  ]);
  expect(reports.map(({ sinceUs }) => sinceUs)).toEqual([null, 1, 1, 1, 1, 1, null]);
});

test('answers are of the requests in their order, also where several are written together', () => {
  const of = (request: number) => packet.pieceAux(request, WHOLE);
  const answer = packet.responseAux(1, false);
  const reports = told(
    [trace.READ, REACTOR, 0, 40],
    [trace.DISPATCHED, REACTOR, packet.RECEIVE, 20, of(8)],
    [trace.DISPATCHED, REACTOR, packet.RECEIVE, 20, of(9)],
    [trace.TAKEN, 0, packet.RECEIVE, 20, of(8)],
    [trace.TAKEN, 0, packet.RECEIVE, 20, of(9)],
    [trace.ANSWERED, 0, packet.SEND, 5, answer],
    [trace.ANSWERED, 0, packet.SEND, 6, answer],
    [trace.COLLECTED, REACTOR, packet.SEND, 5, answer, 0],
    [trace.COLLECTED, REACTOR, packet.SEND, 6, answer, 0],
    [trace.WRITTEN, REACTOR, packet.SEND, 11, 0, 3],
  );
  expect(short(reports).slice(5)).toEqual([
    ['answered', 1, 8, 'bytes'],
    ['answered', 2, 9, 'bytes'],
    ['collected', 1, 8, 'bytes'],
    ['collected', 2, 9, 'bytes'],
    ['written', 1, 8, 'bytes'],
    ['written', 2, 9, 'bytes'],
  ]);
  expect(reports.slice(-2).map(({ totalUs, queuedBytes }) => [totalUs, queuedBytes])).toEqual([
    [9, 3],
    [9, 3],
  ]);
});

test('once a connection speaks another protocol what is sent is of the message that was taken last', () => {
  const upgrade = packet.pieceAux(1, WHOLE);
  const frame = packet.pieceAux(2, WHOLE);
  const reports = told(
    [trace.READ, REACTOR, 0, 20],
    [trace.DISPATCHED, REACTOR, packet.RECEIVE, 20, upgrade, 1],
    [trace.TAKEN, 1, packet.RECEIVE, 20, upgrade],
    [trace.ANSWERED, 1, packet.SEND, 9, 0],
    [trace.ANSWERED, 1, packet.UPGRADED, 0, 1],
    [trace.READ, REACTOR, 0, 8],
    [trace.DISPATCHED, REACTOR, packet.RECEIVE, 8, frame, 1],
    [trace.TAKEN, 1, packet.RECEIVE, 8, frame, 1],
    [trace.ANSWERED, 1, packet.SEND, 8, 0],
  );
  expect(reports.map(({ message }) => message)).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2]);
});

test('what another process sends to the session, and what was under way before the trace, is of no message', () => {
  const reports = told(
    [trace.TAKEN, 0, packet.RECEIVE, 20],
    [trace.COLLECTED, REACTOR, packet.SEND, 4, 0, 0],
    [trace.ANSWERED, TASK_WORKER, packet.SEND, 3],
    [trace.COLLECTED, REACTOR, packet.SEND, 3, 0, TASK_WORKER],
    [trace.WRITTEN, REACTOR, packet.SEND, 4 + 3, 0, 0],
    [trace.WRITTEN, REACTOR, packet.SEND, 50, 0, 0],
  );
  expect(reports.map(({ step, message, bytes }) => [step, message, bytes])).toEqual([
    ['taken', null, 20],
    ['collected', null, 4],
    ['answered', null, 3],
    ['collected', null, 3],
    ['written', null, 4],
    ['written', null, 3],
    ['written', null, 50],
  ]);
  expect(reports[3]?.from).toBe('task-worker:0');
});

test('steps that were lost leave those of other messages as they are', () => {
  const reports = told(
    [trace.DISPATCHED, REACTOR, packet.RECEIVE, 10, 0, 0],
    [trace.DISPATCHED, REACTOR, packet.RECEIVE, 11, 0, 1],
    [trace.DISPATCHED, REACTOR, packet.RECEIVE, 12, 0, 0],
    // That the first one was taken is not known.
    [trace.TAKEN, 0, packet.RECEIVE, 12],
    [trace.TAKEN, 1, packet.RECEIVE, 11],
    [trace.TAKEN, 0, packet.RECEIVE, 10],
  );
  expect(reports.map(({ message }) => message)).toEqual([1, 2, 3, 3, 2, null]);
});

test('what no process of the server notes is not told', () => {
  expect(
    told(
      [99, REACTOR, 0, 1],
      [0, REACTOR, 0, 1],
      [trace.READ, -2, 0, 1],
      [trace.TAKEN, 77, packet.RECEIVE, 1],
      [trace.READ, REACTOR, 0, -1],
      [trace.WRITTEN, REACTOR, packet.SEND, 1, 0, -1],
    ),
  ).toEqual([]);
});
