/** How a process ended. */
export interface Exit {
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether it had said that it was ready. */
  readonly wasReady: boolean;
  /** Milliseconds from when it was given its name to its end. */
  readonly uptime: number;
  /** Milliseconds from when it said that it was ready to its end; 0 when it never did. */
  readonly readyFor: number;
  /** Another process had taken its place before it ended. */
  readonly replaced: boolean;
  /** Why it could not even be started, or was killed from here: descriptors, memory or time have run out. */
  readonly error?: Error | undefined;
}

export interface RestartOptions {
  /**
   * Which ends are followed by a start: all (default), those by a signal or with another code than 0, none. A process
   * can also ask for it to be its last (`last`).
   */
  readonly when?: 'always' | 'after-crash' | 'never';
  /** Milliseconds before the second restart after failures in a row; doubles with each. Default 100. */
  readonly backOff?: number;
  /** Longest wait in milliseconds. Default 10,000. */
  readonly maxBackOff?: number;
  /** Milliseconds of being ready after which earlier failures are forgotten. Default 1,000. */
  readonly stableAfter?: number;
  /** Failures in a row, before it was ever ready, after which the pool gives the member up. Default 5. */
  readonly giveUpAfter?: number;
  /** Failures within `window` after which the pool gives up a member that was ready once. Default: none does. */
  readonly maxFailures?: number;
  /** Milliseconds for which a failure counts towards `maxFailures`. Default 60,000. */
  readonly window?: number;
}

/** Orderly ends in a row of processes that had hardly begun, before the next is waited for. */
const SHORT_LIVES = 5;

/** What to do after an end: start anew after a wait, leave it at that, or give up. */
export type RestartDecision =
  | { readonly action: 'restart'; readonly delay: number }
  | { readonly action: 'rest' }
  | { readonly action: 'give-up' };

/**
 * Decides about restarts of one member. The first restart is immediate: most deaths are single ones. A process that
 * keeps dying young is waited for longer and longer; one that never once became ready is given up in the end, one that
 * did so too often in a while is if the user has set a limit.
 *
 * An exit with 0 is orderly (it has served its time, a module has nothing left to do): no failure, started anew at
 * once, when it was ready before; only when a few in a row hardly begin, the next is waited for as after a failure,
 * for it would take a processor. SIGKILL and SIGTERM come from outside (an operator, the kernel's out-of-memory
 * killer, a test): once ready, a member that dies by them is started again at once too, for its code has done nothing wrong.
 */
export class RestartPolicy {
  readonly #options: Required<RestartOptions>;
  /** In a row. */
  #failures = 0;
  #everReady = false;
  /** Orderly ends in a row of processes that had hardly begun. */
  #short = 0;
  /** When the last failures happened, at most `maxFailures` of them. */
  #failedAt: number[] = [];

  constructor({
    when = 'always',
    backOff = 100,
    maxBackOff = 10_000,
    stableAfter = 1_000,
    giveUpAfter = 5,
    maxFailures = Number.POSITIVE_INFINITY,
    window = 60_000,
  }: RestartOptions = {}) {
    this.#options = { when, backOff, maxBackOff, stableAfter, giveUpAfter, maxFailures, window };
  }

  /** Milliseconds after which a process that is ready counts as running. */
  get stableAfter(): number {
    return this.#options.stableAfter;
  }

  /** Forgets everything: somebody starts the member by hand. */
  reset(): void {
    this.#failures = 0;
    this.#everReady = false;
    this.#short = 0;
    this.#failedAt = [];
  }

  /** `now` in milliseconds, on any clock that does not go back. */
  decide({ code, signal, wasReady, readyFor }: Exit, now: number): RestartDecision {
    const { when, backOff, maxBackOff, stableAfter, giveUpAfter } = this.#options;
    this.#everReady ||= wasReady;
    if (when === 'never' || (when === 'after-crash' && code === 0)) return { action: 'rest' };
    const wanted = code === 0 || signal === 'SIGKILL' || signal === 'SIGTERM';
    const failed = !(wasReady && wanted);
    if (!failed || (wasReady && readyFor >= stableAfter)) this.#failures = 0;
    else this.#failures++;
    if (failed && this.#tooMany(now)) return { action: 'give-up' };
    if (!this.#everReady && this.#failures >= giveUpAfter) return { action: 'give-up' };
    this.#short = wasReady && code === 0 && readyFor < stableAfter ? this.#short + 1 : 0;
    const row = Math.max(this.#failures - 1, this.#short - SHORT_LIVES);
    const delay = row <= 0 ? 0 : Math.min(maxBackOff, backOff * 2 ** (row - 1));
    return { action: 'restart', delay };
  }

  #tooMany(now: number): boolean {
    const { maxFailures, window } = this.#options;
    if (maxFailures === Number.POSITIVE_INFINITY) return false;
    this.#failedAt = this.#failedAt.filter((at) => now - at < window);
    this.#failedAt.push(now);
    return this.#failedAt.length >= maxFailures;
  }
}
