import { expect, test } from 'vitest';
import { memoryGrowth, type Outcome, violations } from '../dist/chaos/verdict.js';
import { victim } from '../dist/chaos/victims.js';

const MIB = 2 ** 20;
const held: Outcome = {
  workerKills: 10,
  taskWorkerKills: 5,
  taskConnections: 20,
  answers: 1_000,
  lostEchoes: 10,
  lostTasks: 20,
  failedTasks: 7,
  closed: 0,
  slowest: 12,
  processesBefore: 9,
  processesAfter: 9,
  descriptorsBefore: 40,
  descriptorsAfter: 41,
  memory: [60 * MIB, 80 * MIB, 80 * MIB, 81 * MIB],
};

test('a run in which each death cost what a dead process may cost held', () => {
  expect(violations(held)).toEqual([]);
});

test.each([
  [
    'Nothing was killed.',
    { workerKills: 0, taskWorkerKills: 0, lostEchoes: 0, lostTasks: 0, failedTasks: 0 },
  ],
  ['Nothing was answered.', { answers: 0 }],
  ['1 connections of clients were closed.', { closed: 1 }],
  ['11 messages were lost by 10 deaths of workers: each had one in hand at most.', { lostEchoes: 11 }],
  [
    '201 messages that waited for tasks were lost by 10 deaths of workers, which had fewer.',
    { lostTasks: 201 },
  ],
  ['101 tasks failed by 5 deaths of task workers.', { failedTasks: 101 }],
  ['There are 8 processes where there were 9.', { processesAfter: 8 }],
  ['The master has 3 descriptors more than before.', { descriptorsAfter: 43 }],
  ["The master's memory grew by 17.0 MiB.", { memory: [60, 80, 80, 97].map((mebibytes) => mebibytes * MIB) }],
])('what did not hold is told: %s', (sentence, difference) => {
  expect(violations({ ...held, ...difference })).toEqual([sentence]);
});

test('memory is compared between the second quarter and the last, whatever single samples say', () => {
  const samples = [10, 20, 50, 50, 50, 90, 90, 90, 60, 500, 60, 60];
  expect(memoryGrowth(samples)).toBe(10);
  expect(memoryGrowth([1, 2, 3])).toBe(0);
});

test('a victim is a worker or a task worker, and no spare, manager or master', () => {
  const processes = ['master', 'manager', 'worker 1', 'spare', 'task worker 0', 'worker process'].map(
    (title, pid) => ({ pid, title: `millrace-chaos: ${title}` }),
  );
  const of = (index: number) => victim(processes, (below) => index % below);
  expect(of(0)).toEqual({ pid: 2, kind: 'worker' });
  expect(of(1)).toEqual({ pid: 4, kind: 'taskWorker' });
  expect(of(2)).toEqual({ pid: 2, kind: 'worker' });
  expect(victim(processes.slice(0, 2))).toBeUndefined();
});
