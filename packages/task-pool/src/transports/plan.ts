import { copyOf } from '@millrace/channel/internal';
import { type LinkEndOptions, Links } from '@millrace/process-pool/links';
import { ringPieceBytes } from '@millrace/shared-memory/internal';
import { claimBytes } from '../claims/claim-table.js';
import { TaskError } from '../errors.js';
import type { LargeValueFiles } from '../wire/large-value-files.js';
import { type TaskMessage, taskCodec } from '../wire/task-message.js';

/** The transport of tasks between a pool and its workers, by name. */
export type TaskTransportName = 'pipe' | 'ring' | 'posix-queue' | 'system-v-queue';

/**
 * How a pool and its workers are linked. The pool makes all of it before it starts the first worker, and it outlives every worker.
 *
 *   group    is
 *   pool     the process with the pool, alone
 *   worker   a task worker
 *
 *   links    carry
 *   tasks    tasks and their answers: two rings in shared memory, or a pipe
 *
 * With a queue of the system the links are pipes, for answers and for the tasks of a chosen worker; all other tasks travel in the
 * queue (pool-queue.ts).
 */
export const POOL = 'pool';
export const WORKER = 'worker';
export const TASKS = 'tasks';
/** The claims on the tasks of each worker, and of the queue, see claim-layout.ts. */
export const CLAIMS = 'claims';

const KINDS: Readonly<Record<TaskTransportName, 'ring' | 'pipe'>> = {
  pipe: 'pipe',
  ring: 'ring',
  'posix-queue': 'pipe',
  'system-v-queue': 'pipe',
};

/** Bytes of a ring: room for all tasks that may wait for a worker, or for four values of the largest size kept in memory. */
const RING_BYTES = 1 << 20;
/**
 * Most microseconds that either side polls before it sleeps: about the time of a small task or an immediate answer. A wake-up by
 * the kernel takes as long again, which is most of the cost of a small task.
 */
const SPIN = 100;
/** What a worker has been sent is bounded by its claims; this bounds what a worker sends. */
const HIGH_WATER_MARK = 1 << 18;

/** Of each side's doorbell. */
export const DOORBELL_OPTIONS = { spin: SPIN };

/** Where large values are kept. */
export interface LargeValues {
  readonly files: LargeValueFiles;
  /** Whether they stay in memory where the transport can carry them so; otherwise a file holds what has 8,192 bytes. */
  readonly inMemory: boolean;
}

/** Whether a worker's link is of rings or a pipe. Throws `ERR_MILLRACE_TASK_OPTION` when there is no transport of that name. */
export function linkKind(transport: TaskTransportName): 'ring' | 'pipe' {
  if (Object.hasOwn(KINDS, transport)) return KINDS[transport];
  const known = Object.keys(KINDS).join(', ');
  throw new TaskError(
    'ERR_MILLRACE_TASK_OPTION',
    `There is no task transport '${transport}'; there are: ${known}.`,
  );
}

/** Throws `ERR_MILLRACE_TASK_OPTION`. */
export function planLinks(transport: TaskTransportName, workers: number): Links {
  return new Links({
    label: 'millrace-task-pool',
    peers: { [POOL]: 1, [WORKER]: workers },
    links: { [TASKS]: { from: POOL, to: WORKER, kind: linkKind(transport), bytes: () => RING_BYTES } },
    memories: { [CLAIMS]: { bytes: claimBytes(workers + 1), groups: [WORKER] } },
  });
}

/** How either side opens its end; rings need a listener as well. */
export function endOptions(
  transport: TaskTransportName,
  { files, inMemory }: LargeValues,
  onCorrupt: (error: Error) => void,
): LinkEndOptions<TaskMessage> {
  const staysInRing = inMemory && linkKind(transport) === 'ring';
  return {
    codec: taskCodec({
      files,
      inlineBytes: staysInRing ? ringPieceBytes(RING_BYTES) : undefined,
      copy: copyOf,
    }),
    channel: { highWaterMark: HIGH_WATER_MARK },
    // A caller continues in a promise job, and a worker begins a task in a microtask.
    awaited: true,
    onCorrupt,
  };
}
