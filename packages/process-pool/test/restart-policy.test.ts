import { expect, test } from 'vitest';
import { type Exit, RestartPolicy } from '../src/index.js';

const crash: Exit = {
  code: 1,
  signal: null,
  wasReady: true,
  uptime: 10,
  readyFor: 10,
  pid: 1,
  replaced: false,
};
const early: Exit = { ...crash, wasReady: false, readyFor: 0 };
const killed: Exit = { ...crash, code: null, signal: 'SIGKILL' };
const delays = (policy: RestartPolicy, ...exits: Exit[]) =>
  exits.map((exit, i) => {
    const decision = policy.decide(exit, i);
    return decision.action === 'restart' ? decision.delay : decision.action;
  });

test('the first restart is immediate; from the second failure in a row on, the wait doubles up to its limit', () => {
  const policy = new RestartPolicy({ backOff: 100, maxBackOff: 500 });
  expect(delays(policy, crash, crash, crash, crash, crash, crash)).toEqual([0, 100, 200, 400, 500, 500]);
});

test('a stable life makes earlier failures forgotten', () => {
  const policy = new RestartPolicy({ stableAfter: 1_000 });
  expect(delays(policy, crash, crash, { ...crash, readyFor: 1_000 }, crash, crash)).toEqual([
    0, 100, 0, 0, 100,
  ]);
});

test('kills from outside are no failures of a member that was ready', () => {
  expect(delays(new RestartPolicy(), ...Array.from({ length: 20 }, () => killed))).toEqual(Array(20).fill(0));
});

test('a member that never was ready is given up after its last chance', () => {
  expect(delays(new RestartPolicy({ giveUpAfter: 3 }), early, early, early)).toEqual([0, 100, 'give-up']);
});

test('a member that was ready once is never given up', () => {
  const policy = new RestartPolicy({ giveUpAfter: 2, maxBackOff: 100 });
  expect(delays(policy, crash, early, early, early)).toEqual([0, 100, 100, 100]);
});

const orderly: Exit = { ...crash, code: 0 };

test('the policy says after which ends there is a next process at all', () => {
  expect(delays(new RestartPolicy({ when: 'after-crash' }), crash, orderly)).toEqual([0, 'rest']);
  expect(delays(new RestartPolicy({ when: 'never' }), crash, orderly)).toEqual(['rest', 'rest']);
  expect(delays(new RestartPolicy({ when: 'always' }), orderly, orderly, orderly)).toEqual([0, 0, 0]);
});

test('a member that was ready is given up when it fails too often in the window, and only then', () => {
  const policy = new RestartPolicy({ maxFailures: 3, window: 1_000, backOff: 1 });
  const at = (now: number, exit: Exit) => policy.decide(exit, now).action;
  expect([at(0, crash), at(900, crash)]).toEqual(['restart', 'restart']);
  // The first is forgotten by now; kills from outside and orderly ends do not count.
  expect([at(1_001, crash), at(1_002, killed), at(1_003, orderly)]).toEqual([
    'restart',
    'restart',
    'restart',
  ]);
  expect(at(1_004, crash)).toBe('give-up');
});

test('a policy that is reset knows of no failure', () => {
  const policy = new RestartPolicy({ giveUpAfter: 2 });
  expect(delays(policy, early)).toEqual([0]);
  policy.reset();
  expect(delays(policy, early, early)).toEqual([0, 'give-up']);
});
