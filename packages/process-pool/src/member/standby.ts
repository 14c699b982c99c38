import { Alarm } from '@millrace/channel/internal';
import type { Exit } from '../launch/exit.js';
import { RestartPolicy } from '../launch/restart-policy.js';
import type { ProcessRun } from './process-run.js';

/** Milliseconds until a dismissed standby is killed, which does not come to its end. */
const DISMISSAL_MS = 2_000;

export interface StandbyHost {
  /** Assigns the member's name to a process that is to wait with it. */
  assign(): ProcessRun;
  /** Whether the member has a process that works, and may have one that waits. */
  mayStandBy(): boolean;
  /** A standby has ended by itself; the next comes in `delay` milliseconds, undefined: no more are kept. */
  exit(exit: Exit, delay: number | undefined): void;
}

/**
 * The process that waits for the end of a member's current one. It has the next assignment already: it has loaded its module, opened what it
 * was handed, and waits in `begun()`. One that fails in that is tried again as the {@link RestartPolicy} says.
 */
export class Standby {
  readonly #host: StandbyHost;
  readonly #policy = new RestartPolicy();
  #waiting: ProcessRun | undefined;
  /** Told to end, and still there. */
  readonly #dismissed = new Set<ProcessRun>();
  #backOff: Alarm | undefined;
  #givenUp = false;

  constructor(host: StandbyHost) {
    this.#host = host;
  }

  /** The one that waits. */
  get run(): ProcessRun | undefined {
    return this.#waiting;
  }

  /** Whether none is there, not even one that has been told to end. */
  get gone(): boolean {
    return this.#waiting === undefined && this.#dismissed.size === 0;
  }

  /** Sees to it that one waits. */
  fill(): void {
    if (this.#waiting !== undefined || this.#backOff !== undefined || this.#givenUp) return;
    if (this.#host.mayStandBy()) this.#waiting = this.#host.assign();
  }

  /** The one that waits, for the place of the current process. */
  take(): ProcessRun | undefined {
    const run = this.#waiting;
    this.#waiting = undefined;
    return run;
  }

  /** Ends the one that waits: its module may have changed, or the member is stopped. The next `fill` starts anew. */
  discard(): void {
    this.#backOff?.cancel();
    this.#backOff = undefined;
    this.#givenUp = false;
    this.#policy.reset();
    const run = this.take();
    if (run === undefined) return;
    this.#dismissed.add(run);
    run.child.stop('stop');
    new Alarm(DISMISSAL_MS, () => run.child.kill('SIGKILL')).unref();
  }

  kill(): void {
    this.discard();
    for (const run of this.#dismissed) run.child.kill('SIGKILL');
  }

  /** Whether `run`, which has ended, was a standby's. */
  ended(run: ProcessRun, exit: Exit): boolean {
    if (this.#dismissed.delete(run)) return true;
    if (run !== this.#waiting) return false;
    this.#waiting = undefined;
    const decision = this.#policy.decide(exit, performance.now());
    this.#givenUp = decision.action !== 'restart';
    const delay = decision.action === 'restart' ? decision.delay : undefined;
    this.#host.exit(exit, delay);
    if (delay === undefined) return true;
    this.#backOff = new Alarm(delay, () => {
      this.#backOff = undefined;
      this.fill();
    }).unref();
    return true;
  }
}
