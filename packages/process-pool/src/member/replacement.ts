import type { Exit } from '../launch/exit.js';
import type { Incarnation } from '../launch/incarnation.js';
import type { Life } from './life.js';

/** What came of putting a new process in the place of another. */
export type ReplaceResult =
  | { readonly outcome: 'replaced' }
  /** The new process has failed to become ready, so the other goes on; of an exclusive member, it had gone already. */
  | { readonly outcome: 'failed'; readonly exit: Exit }
  /** One is being replaced already. */
  | { readonly outcome: 'busy' }
  /** There is nothing to replace, or the member was stopped meanwhile. */
  | { readonly outcome: 'stopped' };

export interface ReplacementEvents {
  /** Makes the new process the member's; it is to become the present one. */
  begin(): Life;
  /** Tells the present one to go; false when there is nobody whose end is to be waited for. */
  retire(): boolean;
  promote(life: Life): void;
  /** The new process was lost: where nobody is there any more, starts another in the ordinary way. */
  restart(): void;
  over(): void;
}

/**
 * One change of processes. Two orders are possible:
 *
 *   shared      new process starts → is ready → is the present one → the other is told to go
 *   exclusive   new process loads as far as `inherit` → the other is told to go → has ended → the new one starts
 *
 * In the second nobody serves between the end of the one and the start of the other, a few milliseconds; in exchange
 * what they are given never has two owners.
 */
export class Replacement {
  readonly result: Promise<ReplaceResult>;
  readonly #incarnation: Incarnation;
  readonly #how: { readonly exclusive: boolean; readonly alone: boolean };
  readonly #events: ReplacementEvents;
  #settle!: (result: ReplaceResult) => void;
  #life: Life | undefined;
  /** The new process is the present one: the one before has ended by itself, or had to first. */
  #present = false;
  #step: 'loading' | 'leaving' | 'starting' | 'over' = 'loading';

  /** `alone`: there is no process whose place it takes. */
  constructor(
    incarnation: Incarnation,
    how: { readonly exclusive: boolean; readonly alone: boolean },
    events: ReplacementEvents,
  ) {
    this.#incarnation = incarnation;
    this.#how = how;
    this.#events = events;
    this.result = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** The new process, once it has the name. */
  get life(): Life | undefined {
    return this.#life;
  }

  start(): void {
    const { exclusive, alone } = this.#how;
    if (!exclusive || alone) {
      this.#step = 'starting';
      this.#life = this.#events.begin();
      if (alone) this.#promote(this.#life);
      return;
    }
    this.#incarnation.listen({
      said: ({ type }) => {
        if (type === 'waiting') this.#loaded();
      },
      ended: ({ code, signal, error }) => {
        if (this.#step === 'over') return;
        const { pid } = this.#incarnation;
        const exit = { pid, code, signal, wasReady: false, uptime: 0, readyFor: 0, replaced: false, error };
        this.#end({ outcome: 'failed', exit });
        this.#events.restart();
      },
    });
    if (this.#incarnation.waiting) this.#loaded();
  }

  #loaded(): void {
    if (this.#step !== 'loading') return;
    this.#step = 'leaving';
    if (!this.#events.retire()) this.formerEnded();
  }

  ready(life: Life): void {
    if (life !== this.#life || this.#step !== 'starting') return;
    if (!this.#present) {
      this.#events.retire();
      this.#promote(life);
    }
    this.#end({ outcome: 'replaced' });
  }

  /** Of an exclusive member: its place is free. */
  formerEnded(): void {
    if (this.#step !== 'leaving') return;
    this.#step = 'starting';
    this.#life = this.#events.begin();
    this.#promote(this.#life);
  }

  /** Whether the new process gets the place of the present one when that ends before it was told to. */
  get takesOver(): boolean {
    return this.#step === 'loading' || (this.#life !== undefined && !this.#present);
  }

  /**
   * The present process goes without being told to: the new one has its place when it is ready. False when the new one
   * is it itself, and the change is over.
   */
  presentLeaves(): boolean {
    if (!this.takesOver) {
      this.#end({ outcome: 'replaced' });
      return false;
    }
    if (this.#life !== undefined) this.#promote(this.#life);
    return true;
  }

  /** The present process has ended: the other, before it was told to, or the new one itself. */
  presentEnded(exit: Exit): void {
    if (!this.takesOver) this.#end({ outcome: 'failed', exit });
    else if (this.#life !== undefined) this.#promote(this.#life);
    else {
      this.#step = 'leaving';
      this.formerEnded();
    }
  }

  /** The new one has ended before it was ready, with the other still there. */
  failed(exit: Exit): void {
    this.#end({ outcome: 'failed', exit });
  }

  /** The member is stopped. */
  cancel(): void {
    if (this.#step === 'over') return;
    if (this.#life === undefined) this.#incarnation.dismiss();
    else this.#life.stop('stop');
    this.#end({ outcome: 'stopped' });
  }

  #promote(life: Life): void {
    this.#present = true;
    this.#events.promote(life);
  }

  #end(result: ReplaceResult): void {
    if (this.#step === 'over') return;
    this.#step = 'over';
    this.#events.over();
    this.#settle(result);
  }
}
