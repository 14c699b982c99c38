import type { ChannelOptions, TransportChannel } from '@millrace/channel';
import type { ChildProcessContext } from '@millrace/process-pool';
import type { SharedLink, TaskLink } from '../client/worker-queue.js';
import type { QueueAddress } from '../queue/queue-address.js';
import type { TaskQueue } from '../queue/task-queue.js';
import type { SpillDirectory } from '../wire/large-value-files.js';
import type { TaskMessage } from '../wire/task-message.js';

/** How tasks travel between a pool and its workers, by name. */
export type TaskTransportName = 'pipe' | 'ring' | 'posix-queue' | 'system-v-queue';

/** What a pool's process and its workers have to know of a queue; JSON. */
export interface QueueBirth {
  readonly address: QueueAddress;
  /** Which run of which pool this is: 8 bytes in hexadecimal. */
  readonly run: string;
}

/** What becomes of values that are large. */
export interface LargeValues {
  readonly spill: SpillDirectory;
  /** Whether they stay in memory where the transport can carry them so; otherwise a file holds what has 8,192 bytes. */
  readonly inMemory: boolean;
}

/** The pool's side: made before the first worker is started, and outlives them all. */
export interface PoolSide {
  /** The way to each worker, by its index. */
  readonly links: readonly TaskLink[];
  /** A way to whichever worker is free, where there is one. */
  readonly shared?: SharedLink;
  /** What a worker is handed down, by name. */
  descriptors(worker: number): Readonly<Record<string, number>>;
  /** Whether it keeps the loop of this process alive. Default: it does. */
  keepLoop(on: boolean): void;
  /** Makes the way to a worker an empty one: its process has ended, and the next has not begun. */
  reset(worker: number): void;
  close(): void;
}

/** One way for tasks to travel. */
export interface TaskTransport {
  /** `onCorrupt`: what a worker has sent makes no sense; nothing is read from it or sent to it until `reset`. */
  createPoolSide(
    workers: number,
    values: LargeValues,
    queue: QueueBirth | undefined,
    onCorrupt: (worker: number, error: Error) => void,
  ): PoolSide;
  /** `onCorrupt`: what has come makes no sense, and nothing more is read or sent. */
  openWorkerSide(
    child: ChildProcessContext,
    worker: number,
    values: LargeValues,
    onCorrupt: (error: Error) => void,
  ): TransportChannel<TaskMessage>;
  /** Where a worker finds tasks that are nobody's yet. */
  openQueue?(queue: QueueBirth | undefined, values: LargeValues): TaskQueue;
}

/** What waits for a worker is bounded by what it is sent ahead; this is for what a worker sends. */
export const CHANNEL_OPTIONS: ChannelOptions = { highWaterMark: 1 << 18 };
