import type { TaskTransportName } from '../transports/plan.js';
import type { PoolQueue } from '../transports/pool-queue.js';

/** The data that a pool gives its workers; JSON. */
export interface WorkerSetup {
  readonly worker: number;
  readonly workers: number;
  readonly concurrency: number;
  readonly transport: TaskTransportName;
  readonly queue: PoolQueue | undefined;
  /** Where large values go. */
  readonly files: string;
  readonly valuesInMemory: boolean;
  /** Tasks after which it ends, to be replaced. */
  readonly maxTasks: number | undefined;
  /** Bytes of resident memory beyond which it ends, to be replaced. */
  readonly maxMemory: number | undefined;
}

/** Prefix of the files that one process of a worker writes. */
export function fileWriter(worker: number, incarnation: number): string {
  return `worker-${worker}-${incarnation}`;
}

/** Sent by a worker to its pool. */
export type WorkerMessage =
  /** The data it received is corrupt. */
  | { readonly type: 'corrupt'; readonly message: string }
  /** Its module has no tasks, and so will that of the next process. */
  | { readonly type: 'noTasks'; readonly message: string };
