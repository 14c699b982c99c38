import type { TaskTally } from '../client/dispatcher-options.js';
import type { Distribution } from '../client/distribution.js';
import type { RunOptions } from '../client/job.js';
import type { TaskSubmitter } from '../client/task-submitter.js';
import type { TaskError } from '../errors.js';
import type { TaskHandler } from '../runner/runner-options.js';
import type { PoolCore, PoolSetup } from './pool-core.js';

/**
 * A transport that is no link to a process: `@millrace/task-broker` makes them of engines. A pool calls `open` once, in its
 * constructor. A server has the parts of a pool in processes of their own, and uses the others: `caller` in each process that asks for tasks,
 * `host` in the one that claims them, `answering` in its task workers.
 */
export interface RemoteTransport {
  readonly name: string;
  open(setup: PoolSetup): PoolCore;
  /** Connects, for as long as it takes; tasks wait until then, or are refused, as `whenFull` says. */
  caller(setup: CallerSetup): RemoteCaller;
  readonly host: HostRecipe;
  /** How a task process answers a host, by a handler of the user's. */
  answering(handler: TaskHandler): TaskHandler;
}

export interface CallerSetup {
  readonly maxQueue: number;
  readonly whenFull: 'error' | 'wait';
  readonly tally?: TaskTally | undefined;
  readonly busy?: ((busy: boolean) => void) | undefined;
  readonly connected?: (() => void) | undefined;
  readonly away?: ((error: Error) => void) | undefined;
  /** The engine, or how it is set, is of no use: every task is rejected with that. */
  readonly refused?: ((error: TaskError) => void) | undefined;
}

export interface RemoteCaller {
  readonly submitter: TaskSubmitter;
  /** Rejects when the engine is too old, or its settings would lose tasks. */
  readonly opened: Promise<void>;
  stats(): RemoteStats;
  /** Whether the connection keeps the process alive. */
  keepLoop(on: boolean): void;
  /** Rejects what has no answer. Idempotent. */
  close(): Promise<void>;
}

/** How a process that runs no task becomes a host. */
export interface HostRecipe {
  /** A `file:` URL of a module with an export `openHost`, an {@link OpenHost}. */
  readonly module: string;
  /** What that is called with: plain data. */
  readonly options: unknown;
  /** What it loads when it is called, which a process with another root directory has to have loaded before. */
  readonly loads: readonly string[];
}

export type OpenHost = (options: unknown, setup: HostSetup) => Promise<RemoteHost>;

export interface HostSetup {
  /** One of the modules that the recipe says it loads: they are loaded before the process changes its root directory or its user. */
  readonly loaded: (module: string) => unknown;
  readonly runner: HostRunner;
  readonly connected: () => void;
  readonly away: (error: Error) => void;
  /** The engine has refused what it should not; it is asked again. */
  readonly trouble: (error: Error) => void;
  /** The claim of another host was not renewed: its task is free again. */
  readonly stalled: (id: string) => void;
}

/** The task processes that a host has its claims run by. */
export interface HostRunner {
  /** As many as there may be. */
  readonly places: number;
  /** Calls back when a task process takes tasks from here on, and when it has ended; at once for those that are there. */
  watch(ready: (worker: number) => void, ended: (worker: number) => void): void;
  run(name: string, call: unknown, options: RunOptions): Promise<unknown>;
  stream(name: string, call: unknown, options: RunOptions): AsyncIterable<unknown>;
}

export interface RemoteHost {
  /** Resolves when the engine is connected. Rejects when it is too old, or its settings would lose tasks. */
  ready(): Promise<void>;
  stats(): RemoteHostStats;
  /** What the engine says of its queue now. Rejects while it is away. */
  counts(): Promise<EngineCounts>;
  /** Claims no more, lets what runs end for `timeout` milliseconds, gives the rest to other hosts, and ends. */
  close(options: { readonly timeout: number }): Promise<void>;
}

export interface RemoteHostStats {
  readonly address: string;
  readonly connected: boolean;
  readonly running: number;
  /** Tasks that it can run at a time: those of the task processes that are there. */
  readonly slots: number;
  /** Tasks that this host ran to an end, whatever the end was. */
  readonly settled: number;
  /** Claims that another host got while they ran here: the network was cut, or the machine stood still. */
  readonly lost: number;
  /** Tasks that are run again because a task process died, or was not there any more. */
  readonly again: number;
  readonly cancelled: number;
  /** Claims of any host that were found not to have been renewed. */
  readonly stalled: number;
}

/** What a caller knows of its engine; a part of a pool's `stats()`. */
export interface RemoteStats {
  readonly engine: string;
  /** Whether the engine is connected now, and how often it was lost. */
  readonly connected: boolean;
  readonly disconnects: number;
  /** Tasks that the engine has acknowledged and that have no answer yet. */
  readonly awaited: number;
  /** Milliseconds from the call to the answer. */
  readonly latency: Distribution;
  /** Answers that had to be looked up, since no reply brought them. */
  readonly lookedUp: number;
  /** Tasks that the engine had lost, and that were enqueued anew or rejected. */
  readonly lost: number;
  /** What the engine said of its queue when it was last asked, at most a few seconds ago; undefined: not yet. */
  readonly queue: EngineCounts | undefined;
}

/** What a host tells of itself, every few seconds. */
export interface HostReport {
  readonly running: number;
  readonly slots: number;
  /** Since its start: tasks that it ran to an end, and claims that it lost. */
  readonly settled: number;
  readonly lost: number;
}

/** The engine's own counts. */
export interface EngineCounts {
  readonly waiting: number;
  readonly delayed: number;
  readonly running: number;
  /** The hosts that have reported of late, by address. */
  readonly hosts: Readonly<Record<string, HostReport>>;
}
