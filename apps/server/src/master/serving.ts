import { HEARTBEAT_MS } from '../constants.js';
import { asPeer, asReactor } from '../contract/ids.js';
import type { Topology } from '../links/topology.js';
import { monotonicNow } from '../process/heartbeat.js';
import type { Counters } from '../shared/counters.js';
import * as layout from '../shared/counters-layout.js';

/** A loop that has turned within that time turns. */
const SILENT_MS = HEARTBEAT_MS * 2.5;

/** How many workers are ready and have loops that turn, as the memory that all processes map tells. */
export function workersAtWork(counters: Counters, { workers }: Topology): number {
  const now = monotonicNow();
  let count = 0;
  for (let worker = 0; worker < workers; worker++) {
    const words = counters.process(asPeer(worker));
    const pid = words[layout.PID] as number;
    if (!(pid > 0) || words[layout.READY_PID] !== pid) continue;
    // Whose loop is not counted, since it has just begun, or stands at a breakpoint, does not hang.
    const isCounted = words[layout.BEAT_PID] === pid && words[layout.DEBUGGED] !== 1;
    if (!isCounted || now - (words[layout.BEAT_AT] as number) < SILENT_MS) count++;
  }
  return count;
}

/** Whether clients are accepted and served: every reactor thread turns, and a worker takes what they send. */
export function servesClients(counters: Counters, topology: Topology): boolean {
  const now = monotonicNow();
  const { reactors, base } = topology;
  // In base mode reactors are the workers.
  const threads = base === undefined ? reactors : 0;
  for (let reactor = 0; reactor < threads; reactor++)
    if (now - (counters.reactor(asReactor(reactor))[layout.TURNED_AT] as number) > SILENT_MS) return false;
  return workersAtWork(counters, topology) > 0;
}
