import { connect } from 'node:net';
import { within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { noCounts } from '../dist/chaos/counts.js';
import { killWorkers, reloadWorkers } from '../dist/chaos/scenes.js';
import { Served, startCommand } from '../dist/start.js';

// In base mode connections end with their worker.
const COMMAND = startCommand();
const LOAD = { connections: 50, delayMs: 10, restMs: 10, retries: true };

test('a reload ends kept connections behind an answer that says so: no request of them is lost', async () => {
  const { changes, counts } = await reloadWorkers(COMMAND, { ...LOAD, reloads: 2 });
  expect(changes).toBe(2);
  expect(counts).toEqual({ ...noCounts(), ok: counts.ok });
});

test('5 kills end the connections of their workers, and whatever is asked again is answered', async () => {
  const { changes, counts, retried } = await killWorkers(COMMAND, { ...LOAD, kills: 5, everyMs: 150 });
  const { ok, reset, cut, unanswered, closedAtBoundary } = counts;
  expect(changes).toBe(5);
  expect(counts).toEqual({ ...noCounts(), ok, reset, cut, unanswered, closedAtBoundary });
  // Each request that was lost, once or several times.
  expect(retried).toBeGreaterThan(0);
  expect(retried).toBeLessThanOrEqual(reset + cut + unanswered);
});

test('what a program has answered before it exits is with its clients', async () => {
  await using served = await Served.start('exits.js', startCommand(process.env, 1));
  const answers = [0, 1].map(async () => {
    const client = connect(served.port, '127.0.0.1');
    let text = '';
    for await (const part of client) text += part;
    return text;
  });
  expect(await within('both answers', Promise.all(answers))).toEqual(['bye', 'bye']);
});
