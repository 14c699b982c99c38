import type { ChannelOptions } from '@millrace/channel';
import type { ChildProcessContext } from '@millrace/process-pool';
import type { TaskLink } from '../lane.js';
import type { SpillDirectory } from '../spill.js';
import type { TaskMessage } from '../task-message.js';

/** How tasks travel between a pool and its workers, by name. */
export type TaskTransportName = 'pipe' | 'ring';

/** The pool's side: made before the first worker is started, and outlives them all. */
export interface PoolSide {
  /** The way to each worker, by its index. */
  readonly links: readonly TaskLink[];
  /** What a worker is handed down, by name. */
  descriptors(worker: number): Readonly<Record<string, number>>;
  close(): void;
}

/** One way for tasks to travel. */
export interface TaskTransport {
  createPoolSide(workers: number, spill: SpillDirectory): PoolSide;
  openWorkerSide(child: ChildProcessContext, worker: number, spill: SpillDirectory): TaskLink['channel'];
}

/** What waits for a worker is bounded by what it is sent ahead; this is for what a worker sends. */
export const CHANNEL_OPTIONS: ChannelOptions = { highWaterMark: 1 << 18 };

export type TaskChannel = TaskLink['channel'];
export type { TaskMessage };
