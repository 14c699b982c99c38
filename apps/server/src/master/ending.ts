import type { Member, ProcessPool } from '@millrace/process-pool';
import { KILL_GRACE_MS } from '../constants.js';
import { type RoleContext, SHUTDOWN, type ToManager } from '../role.js';

/**
 * What those who ask for the end again bring about: the second time nothing is waited for, and what is under way is
 * killed; after that, the manager with all that is left below it.
 */
export class Ending {
  readonly #context: RoleContext;
  readonly #hurry = new AbortController();
  /** While it has been told to stop, and is there still. */
  #manager: Member | undefined;

  constructor(context: RoleContext) {
    this.#context = context;
  }

  /** Aborts when somebody has asked a second time. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  askedAgain(): void {
    const { log } = this.#context;
    if (!this.hurry.aborted) {
      log.warn('asked to stop once more: what is under way is not waited for');
      this.#hurry.abort();
      this.#tellManager();
    } else if (this.#manager !== undefined) {
      log.warn('asked to stop yet again: the manager is killed');
      this.#manager.killAll();
    }
  }

  /** Resolves when the manager and everything below it have ended. */
  async stopManager(pool: ProcessPool): Promise<void> {
    // It needs the time of its user processes, of its workers, then of its task workers.
    const timeout = (this.#context.options.maxWaitTime + KILL_GRACE_MS) * 3 + 1_000;
    const stopped = pool.stop({ mode: SHUTDOWN, timeout });
    // Not before it has been told to stop: it would replace what it kills, and be replaced.
    this.#manager = pool.members[0];
    if (this.hurry.aborted) this.#tellManager();
    await stopped;
    this.#manager = undefined;
  }

  #tellManager(): void {
    this.#manager?.send({ hurry: true } satisfies ToManager);
  }
}
