/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether it had said that it was ready. */
  readonly wasReady: boolean;
  /** Milliseconds from its start to its end. */
  readonly uptime: number;
  /** Why it could not even be started: descriptors, memory or processes have run out. */
  readonly error?: Error | undefined;
}

export interface RestartOptions {
  /** Milliseconds before the second restart after failures in a row; doubles with each. Default 100. */
  readonly backOff?: number;
  /** Longest wait in milliseconds. Default 10,000. */
  readonly maxBackOff?: number;
  /** A process that lived this long, in milliseconds, has not failed to start. Default 1,000. */
  readonly stableAfter?: number;
  /** Failures in a row, before it was ever ready, after which the pool gives the member up. Default 5. */
  readonly giveUpAfter?: number;
}

/** What to do after an end: start anew after a wait, or give up. */
export type RestartDecision =
  | { readonly action: 'restart'; readonly delay: number }
  | { readonly action: 'give-up' };

/**
 * Decides about restarts of one member. The first restart is immediate: most deaths are single ones. A process that
 * keeps dying young is waited for longer and longer; one that never once became ready is given up in the end.
 *
 * SIGKILL and SIGTERM come from outside (an operator, the kernel's out-of-memory killer, a test): once ready, a member
 * that dies by them is started again at once, for its code has done nothing wrong.
 */
export class RestartPolicy {
  readonly #options: Required<RestartOptions>;
  #failures = 0;
  #everReady = false;

  constructor({
    backOff = 100,
    maxBackOff = 10_000,
    stableAfter = 1_000,
    giveUpAfter = 5,
  }: RestartOptions = {}) {
    this.#options = { backOff, maxBackOff, stableAfter, giveUpAfter };
  }

  decide({ code, signal, wasReady, uptime }: Exit): RestartDecision {
    const { backOff, maxBackOff, stableAfter, giveUpAfter } = this.#options;
    this.#everReady ||= wasReady;
    const wanted = code === 0 || signal === 'SIGKILL' || signal === 'SIGTERM';
    if (wasReady && (wanted || uptime >= stableAfter)) this.#failures = 0;
    else this.#failures++;
    if (!this.#everReady && this.#failures >= giveUpAfter) return { action: 'give-up' };
    const delay = this.#failures <= 1 ? 0 : Math.min(maxBackOff, backOff * 2 ** (this.#failures - 2));
    return { action: 'restart', delay };
  }
}
