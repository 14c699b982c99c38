import { checkOptions, checkTimeout, optionNames } from '@millrace/channel';
import { type Cause, causeOf, type Exit } from './exit.js';

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
  /**
   * Failures in a row, before it was ever ready, after which the pool gives the member up. Kills from outside are no
   * failures; against five of those, or as many as this says if that is more, four kills count as one. Default 5.
   */
  readonly giveUpAfter?: number;
  /** Failures within `window` after which the pool gives up a member that was ready once. Default: none does. */
  readonly maxFailures?: number;
  /** Milliseconds for which a failure counts towards `maxFailures`. Default 60,000. */
  readonly window?: number;
}

const RESTART_OPTIONS = optionNames<RestartOptions>({
  when: true,
  backOff: true,
  maxBackOff: true,
  stableAfter: true,
  giveUpAfter: true,
  maxFailures: true,
  window: true,
});

/** Orderly ends in a row of processes that had hardly begun, before the next is waited for. */
const SHORT_LIVES = 5;
/** Kills from outside in a row of processes that had hardly begun, before the next is waited for. */
const KILLS = 10;
/** A process that was killed from outside had hardly begun when it had been ready for fewer milliseconds. */
const HARDLY_MS = 100;
/** The longest wait in milliseconds after a kill from outside. */
const MAX_KILL_BACK_OFF_MS = 1_000;
/** So many kills from outside weigh as much as one failure, for a member that never was ready, */
const KILLS_PER_FAILURE = 4;
/** and with kills it is given up at so many failures at the earliest: who is given up at the first has not failed by a kill. */
const LEAST_WEIGHT = 5;

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
 * for it would take a processor.
 *
 * Some signals come from outside (an operator, a terminal, the kernel's out-of-memory killer, a test), unless the pool sent
 * them for a reason: the module has done nothing wrong, ready or not. The next is started at once; only when many in a
 * row hardly begin, as with a member that memory has no room for, is it waited for, a second at most. What the module
 * had failed at before is neither forgotten nor made worse by a kill.
 */
export class RestartPolicy {
  readonly #options: Required<RestartOptions>;
  /** In a row. */
  #failures = 0;
  #everReady = false;
  /** Orderly ends in a row of processes that had hardly begun. */
  #short = 0;
  /** Kills from outside in a row of processes that had hardly begun. */
  #kills = 0;
  /** When the last failures happened, at most `maxFailures` of them. */
  #failedAt: number[] = [];

  constructor(options: RestartOptions = {}) {
    checkOptions(options, RESTART_OPTIONS, 'restart');
    const {
      when = 'always',
      backOff = 100,
      maxBackOff = 10_000,
      stableAfter = 1_000,
      giveUpAfter = 5,
      maxFailures = Number.POSITIVE_INFINITY,
      window = 60_000,
    } = options;
    for (const [name, ms] of Object.entries({ backOff, maxBackOff, stableAfter, window }))
      checkTimeout(ms, name);
    this.#options = { when, backOff, maxBackOff, stableAfter, giveUpAfter, maxFailures, window };
  }

  /** Milliseconds after which a process that is ready counts as running. */
  get stableAfter(): number {
    return this.#options.stableAfter;
  }

  /** Forgets everything: the member is started by hand. */
  reset(): void {
    this.#failures = 0;
    this.#everReady = false;
    this.#short = 0;
    this.#kills = 0;
    this.#failedAt = [];
  }

  /** A process has become ready: the member is not given up as one that cannot. Not all ends are decided about. */
  wasReady(): void {
    this.#everReady = true;
  }

  /** Whether the next start follows the end of a process that was ready at once, whatever that end is. */
  get restartsAtOnce(): boolean {
    const { when, maxFailures } = this.#options;
    const isFree = when === 'always' && maxFailures === Number.POSITIVE_INFINITY;
    return isFree && this.#failures === 0 && this.#short < SHORT_LIVES && this.#kills < KILLS;
  }

  /** `now` in milliseconds, on any clock that does not go back. */
  decide(exit: Exit, now: number): RestartDecision {
    const { when, maxBackOff } = this.#options;
    this.#everReady ||= exit.wasReady;
    if (when === 'never' || (when === 'after-crash' && exit.code === 0)) return { action: 'rest' };
    const cause = causeOf(exit);
    this.#count(exit, cause);
    if (cause === 'failed' && this.#tooMany(now)) return { action: 'give-up' };
    if (!this.#everReady && this.#isHopeless) return { action: 'give-up' };
    const delay =
      cause === 'killed'
        ? this.#wait(this.#kills - KILLS, Math.min(MAX_KILL_BACK_OFF_MS, maxBackOff))
        : this.#wait(Math.max(this.#failures - 1, this.#short - SHORT_LIVES), maxBackOff);
    return { action: 'restart', delay };
  }

  /** Of a member that never was ready: whether it has had its chances. */
  get #isHopeless(): boolean {
    const { giveUpAfter } = this.#options;
    const weight = this.#failures + this.#kills / KILLS_PER_FAILURE;
    return this.#failures >= giveUpAfter || weight >= Math.max(giveUpAfter, LEAST_WEIGHT);
  }

  #count({ wasReady, readyFor }: Exit, cause: Cause): void {
    const stable = wasReady && readyFor >= this.#options.stableAfter;
    if (stable || cause === 'orderly') this.#failures = 0;
    else if (cause === 'failed') this.#failures++;
    this.#short = cause === 'orderly' && !stable ? this.#short + 1 : 0;
    if (cause === 'killed') this.#kills = readyFor < HARDLY_MS ? this.#kills + 1 : 0;
    else if (wasReady) this.#kills = 0;
  }

  /** Milliseconds, doubling with each in `row`; none for a row of 0. */
  #wait(row: number, most: number): number {
    return row <= 0 ? 0 : Math.min(most, this.#options.backOff * 2 ** (row - 1));
  }

  #tooMany(now: number): boolean {
    const { maxFailures, window } = this.#options;
    if (maxFailures === Number.POSITIVE_INFINITY) return false;
    this.#failedAt = this.#failedAt.filter((at) => now - at < window);
    this.#failedAt.push(now);
    return this.#failedAt.length >= maxFailures;
  }
}
