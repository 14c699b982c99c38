import { expect, test } from 'vitest';
import type { Exit } from '../../src/index.js';
import { RestartPolicy } from '../../src/launch/restart-policy.js';

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
const killedEarly: Exit = { ...killed, wasReady: false, readyFor: 0 };
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

const times = (count: number, exit: Exit) => Array.from({ length: count }, () => exit);

test('a member that is killed from outside is started again at once, ready or not', () => {
  const policy = new RestartPolicy();
  expect(delays(policy, ...times(5, killed), ...times(5, killedEarly))).toEqual(Array(10).fill(0));
  expect(delays(new RestartPolicy(), ...times(100, { ...killed, readyFor: 100 }))).toEqual(
    Array(100).fill(0),
  );
});

test.each([
  ['SIGKILL', killed],
  ['SIGTERM', { ...killed, signal: 'SIGTERM' }],
  ['SIGKILL before it is ready', { ...killed, wasReady: false, readyFor: 0 }],
] as const)(
  'one that is killed again and again as soon as it has begun waits for up to a second: %s',
  (_how, exit) => {
    const policy = new RestartPolicy({ giveUpAfter: 100 });
    expect(delays(policy, ...times(10, exit))).toEqual(Array(10).fill(0));
    expect(delays(policy, ...times(6, exit))).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    // One that has begun is another matter.
    expect(delays(policy, { ...killed, readyFor: 100 }, exit)).toEqual([0, 0]);
  },
);

test('kills from outside neither make failures worse nor make them forgotten', () => {
  const policy = new RestartPolicy({ backOff: 100 });
  expect(delays(policy, crash, crash, killed, killedEarly, crash, killed, crash)).toEqual([
    0, 100, 0, 0, 200, 0, 400,
  ]);
});

test('a signal of its own, and a kill by the pool for its slowness, are failures', () => {
  const aborted: Exit = { ...crash, code: null, signal: 'SIGABRT' };
  expect(delays(new RestartPolicy(), ...times(3, aborted))).toEqual([0, 100, 200]);
  const late: Exit = { ...killedEarly, error: new Error('not ready in time') };
  expect(delays(new RestartPolicy(), ...times(3, late))).toEqual([0, 100, 200]);
});

test('a member that is killed before it ever was ready is given up, too, after four times as many, and at least 20', () => {
  const policy = new RestartPolicy({ giveUpAfter: 6 });
  expect(delays(policy, ...times(24, killedEarly)).slice(21)).toEqual([1_000, 1_000, 'give-up']);
  const mixed = new RestartPolicy();
  expect(delays(mixed, early, early, early, ...times(8, killedEarly)).slice(9)).toEqual([0, 'give-up']);
});

test('a member that is given up at its first failure is not at a few kills from outside', () => {
  const policy = new RestartPolicy({ giveUpAfter: 1 });
  expect(delays(policy, ...times(20, killedEarly)).slice(9)).toEqual([
    0,
    100,
    200,
    400,
    800,
    ...Array(5).fill(1_000),
    'give-up',
  ]);
  expect(delays(new RestartPolicy({ giveUpAfter: 1 }), ...times(9, killedEarly), early).at(-1)).toBe(
    'give-up',
  );
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
