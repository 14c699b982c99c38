import { expect, test } from 'vitest';
import { noCounts } from '../dist/chaos/counts.js';
import { killWorkers, reloadWorkers } from '../dist/chaos/scenes.js';
import { startCommand } from '../dist/start.js';

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
