import { STREAM_WINDOW } from '@millrace/task-pool/internal';
import type { Claim } from '../engine/task.js';

/** Why a running claim was aborted; `vacant`: there is no task process, and what has not begun is for other hosts. */
export type AbortCause = 'cancelled' | 'lost' | 'closed' | 'vacant';

/** A claim while its task runs. */
export class RunningClaim {
  readonly claim: Claim;
  readonly startedAt = performance.now();
  readonly #controller = new AbortController();
  abortedFor: AbortCause | undefined;
  /** Results of a stream that the caller takes in all. */
  credit = STREAM_WINDOW;
  sent = 0;
  /** The engine is being told its end: nothing is renewed that it no longer knows. */
  settling = false;
  #wake: (() => void) | undefined;

  constructor(claim: Claim) {
    this.claim = claim;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(cause: AbortCause, reason: Error): void {
    if (this.abortedFor !== undefined) return;
    this.abortedFor = cause;
    this.#controller.abort(reason);
    this.#wake?.();
  }

  credited(total: number): void {
    if (total <= this.credit) return;
    this.credit = total;
    this.#wake?.();
  }

  /** Resolves when more than `sent` results may be sent; rejects when the claim is aborted. */
  async mayExceed(sent: number): Promise<void> {
    while (sent >= this.credit) {
      this.signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.signal.throwIfAborted();
  }
}
