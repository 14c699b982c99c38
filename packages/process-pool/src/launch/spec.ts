import { optionNames } from '@millrace/channel';
import type { QueueBirth } from '../system/process-queue.js';
import type { RestartOptions } from './restart-policy.js';

/** How a process is started, before it is anybody. Processes that are started alike can take each other's place. */
export interface LaunchSpec {
  /** The module that it runs. */
  readonly entry: string | URL;
  /** Arguments for the module. Default: none. */
  readonly args?: readonly string[];
  /**
   * Options for Node itself. Default: those of this process (`--import`, `--conditions`, `--env-file`, …), but for its title
   * and its debugger.
   */
  readonly execArgv?: readonly string[];
  /** Variables that it has beyond those of this process. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs. Default: where this process does. */
  readonly cwd?: string;
  /** Standard input, output and error: a descriptor, nothing, or this process's own. Default: nothing, own, own. */
  readonly stdio?: readonly [Standard, Standard, Standard];
}

export type Standard = number | 'ignore' | 'inherit';

/** A process to keep alive. */
export interface MemberSpec extends LaunchSpec {
  /** Names it among the members of its pool, in logs and to itself: `'worker 0'`. */
  readonly name: string;
  /** What `ps` shows. Default: the name. */
  readonly title?: string;
  /** Descriptors to hand down, by name; they stay open here. */
  readonly descriptors?: Readonly<Record<string, number>>;
  /** Anything that JSON can carry; the child finds it in its birth. */
  readonly data?: unknown;
  readonly restart?: RestartOptions;
  /** Milliseconds until a process that has not said that it is ready is killed. Default 60,000. */
  readonly startTimeout?: number;
  /** Milliseconds that a process has to finish what it has when another takes its place. Default 3,000. */
  readonly drainTimeout?: number;
  /**
   * Milliseconds that a process has to finish what it has after it has called `detach`. Default `Infinity`: until it is
   * done, or the pool stops.
   */
  readonly detachTimeout?: number;
  /** Jobs, as it counts them with `jobDone`, after which it is replaced. Default: any number. */
  readonly maxJobs?: number;
  /** Bytes of resident memory, looked at each second, above which it is replaced. Default: any number. */
  readonly maxMemory?: number;
  /** What it is given may have one owner at a time: a replacement gets it only when the process before has ended. */
  readonly exclusive?: boolean;
  /**
   * Whether a process ends when its module has nothing left to do and listens for neither messages nor the stop. By
   * default it stays until it is told to go.
   */
  readonly endsByItself?: boolean;
  /** @internal The message queue of a {@link Process}. */
  readonly queue?: QueueBirth | undefined;
  /** How willingly it lets others run: 19 most, -20 (which needs a privilege) least. Default: as this process. */
  readonly priority?: number;
  /** The processors that it may run on. Default: as this process. */
  readonly affinity?: readonly number[];
}

export const MEMBER_OPTIONS = optionNames<MemberSpec>({
  entry: true,
  args: true,
  execArgv: true,
  env: true,
  cwd: true,
  stdio: true,
  name: true,
  title: true,
  descriptors: true,
  data: true,
  restart: true,
  startTimeout: true,
  drainTimeout: true,
  detachTimeout: true,
  maxJobs: true,
  maxMemory: true,
  exclusive: true,
  endsByItself: true,
  queue: true,
  priority: true,
  affinity: true,
});

export const DEFAULT_START_TIMEOUT_MS = 60_000;
export const DEFAULT_DRAIN_TIMEOUT_MS = 3_000;
export const DEFAULT_DETACH_TIMEOUT_MS = Number.POSITIVE_INFINITY;
