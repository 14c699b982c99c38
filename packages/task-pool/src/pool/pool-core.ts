import type { TaskSubmitter } from '../client/task-submitter.js';
import type { TaskPoolEvents, TaskPoolStats } from './pool-events.js';
import type { ResolvedPoolOptions } from './pool-options.js';

/** What a pool is created with, whatever runs its tasks. */
export interface PoolSetup {
  /** The module of the tasks: what `import()` takes. */
  readonly module: string;
  readonly options: ResolvedPoolOptions;
  /** Emits an event of the pool. */
  emit<Name extends keyof TaskPoolEvents>(event: Name, ...args: TaskPoolEvents[Name]): unknown;
}

/** What runs the tasks of a pool: processes of this machine, or an engine that brings them to other machines. */
export interface PoolCore {
  readonly submitter: TaskSubmitter;
  /** Resolves when tasks are run from here on. */
  ready(): Promise<void>;
  stats(): TaskPoolStats;
  /** Whether the pool keeps this process alive though no task is under way. */
  keepLoop(on: boolean): void;
  /** Accepts no more tasks, waits for the pending ones for `timeout` milliseconds, and ends. Called once. */
  close(timeout: number): Promise<void>;
  /** Rejects every task and ends at once; also after `close`. */
  destroy(): Promise<void>;
}
