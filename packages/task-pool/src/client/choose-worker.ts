import type { Job } from './job.js';
import type { Lane } from './worker-queue.js';

/**
 * Where a task is sent to at once; undefined where it has to wait. Whoever is idle is first, from the worker `first` on;
 * then who has least before it.
 */
export function placeFor(
  job: Job,
  lanes: readonly Lane[],
  shared: Lane | undefined,
  first = 0,
): Lane | undefined {
  if (job.worker !== undefined) {
    const chosen = lanes[job.worker] as Lane;
    return chosen.hasRoom ? chosen : undefined;
  }
  if (shared !== undefined) return shared.hasRoom ? shared : undefined;
  let best: Lane | undefined;
  for (let i = 0; i < lanes.length; i++) {
    const lane = lanes[(first + i) % lanes.length] as Lane;
    if (lane.isIdle) return lane;
    if (lane.hasRoom && (best === undefined || lane.length < best.length)) best = lane;
  }
  return best;
}
