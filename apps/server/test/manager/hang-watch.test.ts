import type { Member } from '@millrace/process-pool';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HANDLER_NAMED_MS, HEARTBEAT_MS } from '../../src/constants.js';
import { HangWatch, type HangWatchParts } from '../../src/manager/hang-watch.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A member whose process `pid` has run long without being ready. */
const memberWith = (pid: number) =>
  ({
    name: `worker ${pid}`,
    data: {},
    pid,
    starting: [{ pid, uptime: HANDLER_NAMED_MS }],
  }) as unknown as Member;

function watchOf(members: readonly Member[]) {
  const named: number[] = [];
  const log = { warn: ({ processPid }: { processPid: number }) => named.push(processPid) };
  const watch = new HangWatch({
    context: { log },
    pool: { members },
    counters: { process: () => new Int32Array(8) },
    idOf: () => 0,
  } as unknown as HangWatchParts);
  return { watch, named };
}

test('a process is taken to have come to start by what it says itself, not by what another says of it', () => {
  const [honest, rogue, silent] = [memberWith(1), memberWith(2), memberWith(3)] as const;
  const { watch, named } = watchOf([honest, rogue, silent]);
  watch.started(honest, 1);
  for (let pid = 0; pid < 1_000; pid++) watch.started(rogue, pid);
  vi.advanceTimersByTime(HEARTBEAT_MS);
  expect(named).toEqual([3]);
  watch.close();
});
