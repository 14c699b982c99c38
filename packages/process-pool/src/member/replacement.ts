import { Alarm } from '@millrace/channel/internal';
import type { ChildHandle } from '../launch/child-handle.js';
import type { Exit } from '../launch/exit.js';
import type { ProcessRun } from './process-run.js';

/** The outcome of a replacement. */
export type ReplaceResult =
  | { readonly outcome: 'replaced' }
  /** The new process did not become ready. The old one goes on; that of an exclusive member had ended before. */
  | { readonly outcome: 'failed'; readonly exit: Exit }
  /** Another replacement is under way. */
  | { readonly outcome: 'busy' }
  /** The member is stopped, or was stopped meanwhile. */
  | { readonly outcome: 'stopped' };

export interface ReplacementEvents {
  /** Assigns the member's name to the new process. */
  begin(): ProcessRun;
  /** Drains the current process; false when there is no process whose end is to be awaited. */
  retire(): boolean;
  /** Makes the new process the current one. */
  promote(run: ProcessRun): void;
  /** The new process has failed: if the member has no process left, starts one. */
  restart(): void;
  over(): void;
}

/**
 * One replacement of a member's process. It can run in either order:
 *
 *   shared      new process is assigned the name → is ready → becomes current → the old one drains
 *   exclusive   new process loads as far as `inherit` → the old one drains → has ended → the new one is assigned the name
 *
 * In the exclusive order no process serves for the few milliseconds between the two; in exchange, the member's resources
 * never have two owners.
 */
export class Replacement {
  readonly result: Promise<ReplaceResult>;
  readonly #child: ChildHandle;
  readonly #order: { readonly exclusive: boolean; readonly vacant: boolean };
  readonly #events: ReplacementEvents;
  #settle!: (result: ReplaceResult) => void;
  #run: ProcessRun | undefined;
  /** The new process is the current one already: the old one has ended. */
  #isCurrent = false;
  #step: 'loading' | 'draining' | 'starting' | 'over' = 'loading';
  /** Since when the new process has been in its step. */
  #since = performance.now();
  /** Kills the new process where it does not become ready in time. */
  #limit: { readonly ms: number; readonly name: string; alarm?: Alarm } | undefined;

  /** `vacant`: the member has no process to replace. */
  constructor(
    child: ChildHandle,
    order: { readonly exclusive: boolean; readonly vacant: boolean },
    events: ReplacementEvents,
  ) {
    this.#child = child;
    this.#order = order;
    this.#events = events;
    this.result = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** The new process, once it is assigned the name. */
  get run(): ProcessRun | undefined {
    return this.#run;
  }

  start(): void {
    const { exclusive, vacant } = this.#order;
    if (!exclusive || vacant) {
      this.#step = 'starting';
      this.#run = this.#events.begin();
      if (vacant) this.#promote(this.#run);
      return;
    }
    this.#child.observe({
      message: ({ type }) => {
        if (type === 'loaded') this.#onLoaded();
      },
      ended: ({ code, signal, error }) => {
        if (this.#step === 'over') return;
        const { pid } = this.#child;
        const exit = { pid, code, signal, wasReady: false, uptime: 0, readyFor: 0, replaced: false, error };
        this.#end({ outcome: 'failed', exit });
        this.#events.restart();
      },
    });
    if (this.#child.isLoaded) this.#onLoaded();
  }

  /** From now on the new process has `ms` milliseconds, from its start, to load and to become ready. */
  limitStart(ms: number, name: string): void {
    if (this.#limit !== undefined) return;
    this.#limit = { ms, name };
    this.#arm();
  }

  /** The end of the old process has a deadline of its own: while the new one waits for that, it has none. */
  #arm(): void {
    const limit = this.#limit;
    if (limit === undefined) return;
    limit.alarm?.cancel();
    if (this.#step !== 'loading' && this.#step !== 'starting') return;
    const { ms, name } = limit;
    const left = Math.max(0, this.#since + ms - performance.now());
    limit.alarm = new Alarm(left, () => {
      const why = `${name} was not ready within ${Math.round(ms)} ms, and another reload or change waits for that`;
      this.#child.killFor(new Error(why));
    }).unref();
  }

  #onLoaded(): void {
    if (this.#step !== 'loading') return;
    this.#step = 'draining';
    this.#arm();
    if (!this.#events.retire()) this.drainingEnded();
  }

  ready(run: ProcessRun): void {
    if (run !== this.#run || this.#step !== 'starting') return;
    if (!this.#isCurrent) {
      this.#events.retire();
      this.#promote(run);
    }
    this.#end({ outcome: 'replaced' });
  }

  /** The old process of an exclusive member has ended. */
  drainingEnded(): void {
    if (this.#step !== 'draining') return;
    this.#step = 'starting';
    this.#since = performance.now();
    this.#run = this.#events.begin();
    this.#arm();
    this.#promote(this.#run);
  }

  /** Whether the new process becomes the current one if that ends by itself now. */
  get takesOver(): boolean {
    return this.#step === 'loading' || (this.#run !== undefined && !this.#isCurrent);
  }

  /**
   * The current process has detached itself, so that the new one becomes current at once. False when the new process is the
   * one that has detached itself: the replacement is over.
   */
  currentDetached(): boolean {
    if (!this.takesOver) {
      this.#end({ outcome: 'replaced' });
      return false;
    }
    if (this.#run !== undefined) this.#promote(this.#run);
    return true;
  }

  /** The current process has ended: the old one by itself, or the new one. */
  currentEnded(exit: Exit): void {
    if (!this.takesOver) this.#end({ outcome: 'failed', exit });
    else if (this.#run !== undefined) this.#promote(this.#run);
    else {
      this.#step = 'draining';
      this.drainingEnded();
    }
  }

  /** The new process has ended before it was ready; the old one still runs. */
  failed(exit: Exit): void {
    this.#end({ outcome: 'failed', exit });
  }

  /** The member is stopped. */
  cancel(): void {
    if (this.#step === 'over') return;
    if (this.#run === undefined) this.#child.dismiss();
    else this.#run.stop('stop');
    this.#end({ outcome: 'stopped' });
  }

  #promote(run: ProcessRun): void {
    this.#isCurrent = true;
    this.#events.promote(run);
  }

  #end(result: ReplaceResult): void {
    if (this.#step === 'over') return;
    this.#step = 'over';
    this.#limit?.alarm?.cancel();
    this.#events.over();
    this.#settle(result);
  }
}
