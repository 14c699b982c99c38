import { MAX_TASK_RING_BYTES, MIN_TASK_RING_BYTES, TASK_RINGS_BYTES } from '../constants.js';

/** How tasks travel between workers and task workers. */
export const TASK_TRANSPORTS = ['ring', 'pipe', 'posix-queue', 'system-v-queue'] as const;
export type TaskTransportName = (typeof TASK_TRANSPORTS)[number];

/** Bytes of a ring that are sensible for so many: each takes a value of 64 KiB in one piece, unless there are very many. */
export function defaultTaskRingSize(workers: number, taskWorkers: number): number {
  const share = TASK_RINGS_BYTES / Math.max(1, workers * taskWorkers * 2);
  return Math.min(MAX_TASK_RING_BYTES, Math.max(MIN_TASK_RING_BYTES, 2 ** Math.floor(Math.log2(share))));
}
