import type { RemoteTransport } from '@millrace/task-pool';
import { MAX_TASK_RING_BYTES, MIN_TASK_RING_BYTES, TASK_RINGS_BYTES } from '../constants.js';

/** How tasks travel between workers and task workers. */
export const TASK_TRANSPORTS = ['ring', 'pipe', 'posix-queue', 'system-v-queue'] as const;
/** That of an engine is an object that `bullmq()` or `jetStream()` makes. */
export type TaskTransportName = (typeof TASK_TRANSPORTS)[number];

/** Bytes of a ring that are sensible for so many: each takes a value of 64 KiB in one piece, unless there are very many. */
export function defaultTaskRingSize(workers: number, taskWorkers: number): number {
  const share = TASK_RINGS_BYTES / Math.max(1, workers * taskWorkers * 2);
  return Math.min(MAX_TASK_RING_BYTES, Math.max(MIN_TASK_RING_BYTES, 2 ** Math.floor(Math.log2(share))));
}

export function isRemote(transport: unknown): transport is RemoteTransport {
  const { name, caller, host } = (transport ?? {}) as Partial<RemoteTransport>;
  return (
    typeof name === 'string' && typeof caller === 'function' && host?.module.startsWith('file:') === true
  );
}

/** How tasks travel within the server, and the engine that brings them further, where there is one: its host sends them to task workers. */
export function transportsOf(transport: TaskTransportName | RemoteTransport): {
  readonly taskTransport: TaskTransportName;
  readonly taskEngine: RemoteTransport | undefined;
} {
  return typeof transport === 'string'
    ? { taskTransport: transport, taskEngine: undefined }
    : { taskTransport: 'ring', taskEngine: transport };
}
