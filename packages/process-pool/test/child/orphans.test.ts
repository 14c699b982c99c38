import { isRunning, Program, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { fixture } from '../support.js';

/** Milliseconds in which everything below a killed parent has to be gone. */
const ORPHAN_MS = 1_000;

test.each([
  ['when all are ready, spares too', /^spare waits$/m],
  ['while its processes boot', /^started$/m],
])('nothing outlives a parent that is killed: %s', async (_when, moment) => {
  const parent = new Program(fixture('family'));
  await parent.printed(moment);
  const pids = parent.children().map(({ pid }) => pid);
  expect(pids.length).toBeGreaterThanOrEqual(2);
  parent.kill('SIGKILL');
  await parent.ended();
  // One that still boots looks for its parent when it has: a machine that is busy takes longer for that.
  await until('all of them to be gone', () => !pids.some(isRunning), {
    deadlineMs: moment.source.includes('spare') ? ORPHAN_MS : 20_000,
  });
  await parent[Symbol.asyncDispose]();
});
