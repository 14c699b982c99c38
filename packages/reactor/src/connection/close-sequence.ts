import { checkOptions, checkTimeout, optionNames } from '@millrace/channel';
import { MAX_DELAY_MS, MIN_DELAY_MS, type TimerHeap } from '@millrace/timer-heap';
import {
  CLOSED,
  CLOSING,
  ConnectionState,
  ENDING,
  HELD,
  INPUT_ENDED,
  LINGERING,
  OUTPUT_ENDED,
} from './connection-state.js';
import type { CloseReason, DestroyOptions, EndOptions } from './stream-connection.js';

/** Milliseconds that a closed connection still takes in, and drops, what the other side goes on sending. */
const LINGER_MS = 2_000;

const END_OPTIONS = optionNames<EndOptions>({ timeout: true });
const DESTROY_OPTIONS = optionNames<DestroyOptions>({ reset: true, reason: true, error: true });

/** What the end of a connection asks of what carries it: one for all connections of a kind. */
export interface Ending<Own> {
  readonly timers: TimerHeap;
  /** Whether everything that was written has gone, to where the end can follow it. */
  isSent(own: Own): boolean;
  /** Tells the other side that no more comes, behind what was sent; then calls `outputEnded`, now or later. Twice is once. */
  endOutput(own: Own): void;
  /** Forgets input that is there. `'none'`: there was nothing; `'over'`: there will be nothing more. */
  dropInput(own: Own): 'some' | 'none' | 'over';
  /** What is to be watched for may have changed. */
  changed(own: Own): void;
  /** Tells the owner that the other side has ended; false: the owner does not want to know. */
  tellInputEnd(own: Own): boolean;
  /** Makes the close a reset, where the socket has such a thing. */
  reset(own: Own): void;
  /** Closes the descriptor, gives up what is queued, and tells the owner. */
  release(own: Own, reason: CloseReason, error: Error | undefined): void;
}

/**
 * How a connection ends, whatever carries it.
 *
 *     end():    ENDING ── sent ──▶ OUTPUT_ENDED ── the other side ends, or the time is up ──▶ CLOSED
 *     close():  CLOSING ─ sent ──▶ OUTPUT_ENDED ── nothing is unread ───────────────────────▶ CLOSED
 *                                       └─ else LINGERING ── it ends, or LINGER_MS ─────────▶ CLOSED
 *     the other side: INPUT_ENDED ── all is delivered ──▶ onInputEnd, or close()
 *     destroy(), a failure: CLOSED at once
 *
 * Input left unread would make the kernel reset the connection when it is closed, and the other side could lose the last
 * output: that is what lingering is for.
 */
export class CloseSequence<Own> extends ConnectionState {
  readonly #own: Own;
  readonly #ending: Ending<Own>;
  /** Milliseconds that the other side has for its end once this one has ended; below 0: no limit. */
  #endTimeout = -1;
  /** The timer of the end or of the lingering; 0: there is none. */
  #timer = 0;

  constructor(own: Own, ending: Ending<Own>) {
    super();
    this.#own = own;
    this.#ending = ending;
  }

  /** Half-close. Called again it can set the time anew, and does nothing else. */
  end(options: EndOptions | undefined): void {
    if (options !== undefined) checkOptions(options, END_OPTIONS, 'end()');
    const timeout = options?.timeout;
    if (timeout !== undefined) checkTimeout(timeout);
    if (this.is(CLOSED | CLOSING)) return;
    if (timeout !== undefined) this.#endTimeout = timeout === Number.POSITIVE_INFINITY ? -1 : timeout;
    if (!this.is(ENDING)) {
      this.mark(ENDING);
      this.sent();
    } else if (timeout !== undefined && this.is(OUTPUT_ENDED)) this.#limitEnd();
  }

  /** Sends what is queued, then closes. */
  close(): void {
    if (this.is(CLOSED | CLOSING)) return;
    this.mark(CLOSING);
    if (this.is(OUTPUT_ENDED)) return this.#finish();
    this.sent();
    this.#ending.changed(this.#own);
  }

  destroy(options: DestroyOptions | undefined): void {
    if (options === undefined) return this.over('local');
    checkOptions(options, DESTROY_OPTIONS, 'destroy()');
    const { reset, reason = 'local', error } = options;
    if (this.is(CLOSED)) return;
    if (reset) this.#ending.reset(this.#own);
    this.over(reason, error);
  }

  /** To be called when what was queued may have gone. */
  sent(): void {
    if (!this.is(ENDING | CLOSING) || this.is(OUTPUT_ENDED | CLOSED)) return;
    if (this.#ending.isSent(this.#own)) this.#ending.endOutput(this.#own);
  }

  /** The other side has been told that no more comes. */
  outputEnded(): void {
    if (this.is(OUTPUT_ENDED | CLOSED)) return;
    this.mark(OUTPUT_ENDED);
    if (this.is(CLOSING)) this.#finish();
    else if (this.is(INPUT_ENDED) && !this.is(HELD)) this.over('local');
    else this.#limitEnd();
  }

  /** The other side has ended: there is no more to read. */
  inputEnded(): void {
    if (this.is(CLOSED)) return;
    if (this.is(LINGERING)) return this.over('local');
    // Ended and told so again: it has hung up.
    if (this.is(INPUT_ENDED)) return this.over('peer');
    this.mark(INPUT_ENDED);
    this.#ending.changed(this.#own);
    if (!this.is(HELD)) this.inputDelivered();
  }

  /** What was read before the other side's end is delivered. */
  inputDelivered(): void {
    if (!this.is(INPUT_ENDED) || this.is(CLOSED | CLOSING)) return;
    if (!this.#ending.tellInputEnd(this.#own)) this.close();
    if (this.is(OUTPUT_ENDED)) this.over('peer');
  }

  /** Drops what a lingering connection has to read. */
  drop(): void {
    if (this.#ending.dropInput(this.#own) === 'over') this.over('local');
  }

  /** It is over, for this reason; the first one counts. */
  over(reason: CloseReason, error?: Error): void {
    if (this.is(CLOSED)) return;
    this.mark(CLOSED);
    this.#clearTimer();
    this.#ending.release(this.#own, reason, error);
  }

  /** Everything is sent, the end included. */
  #finish(): void {
    this.#clearTimer();
    if (this.is(INPUT_ENDED) || this.#ending.dropInput(this.#own) !== 'some') return this.over('local');
    this.mark(LINGERING);
    this.#setTimer(LINGER_MS);
    this.#ending.changed(this.#own);
  }

  #limitEnd(): void {
    this.#clearTimer();
    if (this.#endTimeout >= 0)
      this.#setTimer(Math.min(Math.max(this.#endTimeout, MIN_DELAY_MS), MAX_DELAY_MS));
  }

  #setTimer(ms: number): void {
    this.#timer = this.#ending.timers.after(ms, () => this.over('local'));
  }

  #clearTimer(): void {
    if (this.#timer === 0) return;
    this.#ending.timers.clear(this.#timer);
    this.#timer = 0;
  }
}
