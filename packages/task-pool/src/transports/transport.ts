import type { ChannelOptions, TransportChannel } from '@millrace/channel';
import type { ChildProcessContext } from '@millrace/process-pool';
import type { SharedLink, TaskLink } from '../client/worker-queue.js';
import type { QueueAddress } from '../queue/queue-address.js';
import type { TaskQueue } from '../queue/task-queue.js';
import type { LargeValueFiles } from '../wire/large-value-files.js';
import type { TaskMessage } from '../wire/task-message.js';

/** The transport of tasks between a pool and its workers, by name. */
export type TaskTransportName = 'pipe' | 'ring' | 'posix-queue' | 'system-v-queue';

/** The system queue of a pool, as its workers are told; JSON. */
export interface PoolQueue {
  readonly address: QueueAddress;
  /** Which run of which pool this is: 8 bytes in hexadecimal. */
  readonly run: string;
}

/** Where large values are kept. */
export interface LargeValues {
  readonly files: LargeValueFiles;
  /** Whether they stay in memory where the transport can carry them so; otherwise a file holds what has 8,192 bytes. */
  readonly inMemory: boolean;
}

/** The pool's side: made before the first worker is started, and outlives them all. */
export interface PoolSide {
  /** The link to each worker, by its index. */
  readonly links: readonly TaskLink[];
  /** The link from which any free worker takes, where there is one. */
  readonly shared?: SharedLink;
  /** The descriptors that a worker inherits, by name. */
  descriptors(worker: number): Readonly<Record<string, number>>;
  /** Whether it keeps the loop of this process alive. Default: it does. */
  keepLoop(on: boolean): void;
  /** Empties the link of a worker: its process has ended, and the next has not begun. */
  reset(worker: number): void;
  close(): void;
}

/** A transport of tasks. */
export interface TaskTransport {
  /** `onCorrupt`: a worker's data is corrupt; nothing is read from it or sent to it until `reset`. */
  createPoolSide(
    workers: number,
    values: LargeValues,
    queue: PoolQueue | undefined,
    onCorrupt: (worker: number, error: Error) => void,
  ): PoolSide;
  /** `onCorrupt`: the pool's data is corrupt; nothing more is read or sent. */
  openWorkerSide(
    child: ChildProcessContext,
    worker: number,
    values: LargeValues,
    onCorrupt: (error: Error) => void,
  ): TransportChannel<TaskMessage>;
  /** Opens the queue from which workers take tasks. */
  openQueue?(queue: PoolQueue | undefined, values: LargeValues): TaskQueue;
}

/** What a worker has been sent is bounded by its claims; this bounds what a worker sends. */
export const CHANNEL_OPTIONS: ChannelOptions = { highWaterMark: 1 << 18 };
