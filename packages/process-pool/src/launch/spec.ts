import { optionNames } from '@millrace/channel';
import type { QueueAssignment } from '../system/process-queue.js';
import type { RestartOptions } from './restart-policy.js';

/** How a process is started, before it is assigned to a member. Processes that are started alike are interchangeable. */
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
  /** Environment variables beyond those of this process. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory. Default: that of this process. */
  readonly cwd?: string;
  /** Standard input, output and error: a descriptor, nothing, or this process's own. Default: nothing, own, own. */
  readonly stdio?: readonly [Standard, Standard, Standard];
  /**
   * @internal Options of Node that come before all others, and load what has the process die with its parent: in place of the
   * pool's own.
   */
  readonly preload?: readonly string[] | undefined;
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
  /** Any JSON value; the process finds it in `inherit().data`. */
  readonly data?: unknown;
  readonly restart?: RestartOptions;
  /** Milliseconds until a process that is not ready is killed. Default 60,000. */
  readonly startTimeout?: number;
  /** Milliseconds that a process has to finish its work when it is replaced. Default 3,000. */
  readonly drainTimeout?: number;
  /**
   * Milliseconds that a process has to finish its work after it has called `detach`. Default `Infinity`: until it ends by
   * itself, or the pool stops.
   */
  readonly detachTimeout?: number;
  /** Jobs, as it counts them with `jobDone`, after which it is replaced. Default: any number. */
  readonly maxJobs?: number;
  /** Bytes of resident memory, measured each second, above which it is replaced. Default: any number. */
  readonly maxMemory?: number;
  /** Whether its resources may have one owner at a time: a replacement is assigned the name only when the old process has ended. */
  readonly exclusive?: boolean;
  /** Whether a spare is kept for it, where the pool keeps some: members with one entry share theirs. Default true. */
  readonly spare?: boolean;
  /**
   * Whether a process ends when its module has nothing left to do and handles neither messages nor the stop. By
   * default it stays until it is stopped.
   */
  readonly endsByItself?: boolean;
  /**
   * Whether its process is begun after those of the others when the pool starts, where there are more of them than processors: those
   * have come up then, or have had a moment for it. Default: all begin at once.
   */
  readonly startsLate?: boolean;
  /**
   * Whether one more process waits with the member's name, and takes the place of the current one as soon as that has ended: it has
   * loaded its module up to `await inherit()?.begun()` by then, where a spare has only as far as `inherit()`. Costs a process for each member. Not
   * for an `exclusive` member. Default false.
   */
  readonly standby?: boolean;
  /**
   * Whether the next process begins as soon as the current one has halted, that is, none of its threads runs any more. The kernel takes
   * milliseconds from there to the end that `onExit` tells of, the more the larger the process; until then what the process had open is open
   * still. Takes a thread in the process, and Linux 5.9; elsewhere the next begins at the end. Not for an `exclusive` member, and not
   * while ends before this one count (`backOff`, `maxFailures`). Default false.
   */
  readonly earlyRestart?: boolean;
  /** @internal The message queue of a {@link ManagedProcess}. */
  readonly queue?: QueueAssignment | undefined;
  /** Its nice value: from 19 to -20, the highest priority; below this process's it needs a privilege. Default: as this process. */
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
  preload: true,
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
  spare: true,
  endsByItself: true,
  startsLate: true,
  standby: true,
  earlyRestart: true,
  queue: true,
  priority: true,
  affinity: true,
});

export const DEFAULT_START_TIMEOUT_MS = 60_000;
export const DEFAULT_DRAIN_TIMEOUT_MS = 3_000;
export const DEFAULT_DETACH_TIMEOUT_MS = Number.POSITIVE_INFINITY;
