import type { Job } from './job.js';
import type { WorkerQueue } from './worker-queue.js';

/**
 * The queue that a task is sent to at once; undefined when it has to wait. An idle worker comes first, counted from the worker
 * `first`; then the one with the fewest tasks.
 */
export function chooseWorker(
  job: Job,
  queues: readonly WorkerQueue[],
  shared: WorkerQueue | undefined,
  first = 0,
): WorkerQueue | undefined {
  if (job.worker !== undefined) {
    const chosen = queues[job.worker] as WorkerQueue;
    return chosen.hasRoom ? chosen : undefined;
  }
  if (shared !== undefined) return shared.hasRoom ? shared : undefined;
  let best: WorkerQueue | undefined;
  for (let i = 0; i < queues.length; i++) {
    const queue = queues[(first + i) % queues.length] as WorkerQueue;
    if (queue.isIdle) return queue;
    if (queue.hasRoom && (best === undefined || queue.length < best.length)) best = queue;
  }
  return best;
}
