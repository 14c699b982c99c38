import { expect, test } from 'vitest';
import { type Exit, RestartPolicy } from '../src/index.js';

const crash: Exit = { code: 1, signal: null, wasReady: true, uptime: 10 };
const early: Exit = { ...crash, wasReady: false };
const killed: Exit = { code: null, signal: 'SIGKILL', wasReady: true, uptime: 10 };
const delays = (policy: RestartPolicy, ...exits: Exit[]) =>
  exits.map((exit) => {
    const decision = policy.decide(exit);
    return decision.action === 'restart' ? decision.delay : decision.action;
  });

test('the first restart is immediate; from the second failure in a row on, the wait doubles up to its limit', () => {
  const policy = new RestartPolicy({ backOff: 100, maxBackOff: 500 });
  expect(delays(policy, crash, crash, crash, crash, crash, crash)).toEqual([0, 100, 200, 400, 500, 500]);
});

test('a stable life makes earlier failures forgotten', () => {
  const policy = new RestartPolicy({ stableAfter: 1_000 });
  expect(delays(policy, crash, crash, { ...crash, uptime: 1_000 }, crash, crash)).toEqual([
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
