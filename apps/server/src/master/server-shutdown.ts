import { Alarm } from '@millrace/channel/internal';
import type { Member, ProcessPool } from '@millrace/process-pool';
import { KILL_GRACE_MS, SAME_SIGNAL_MS } from '../constants.js';
import type { ToManager } from '../contract/control-messages.js';
import { SHUTDOWN } from '../contract/role.js';
import type { RoleContext } from '../process/role-context.js';

/**
 * What those who ask for the end again bring about: the second time nothing is waited for, and what is under way is
 * killed; after that, the manager with all that is left below it.
 */
export class ServerShutdown {
  readonly #context: RoleContext;
  readonly #hurry = new AbortController();
  /** While it has been told to stop, and is there still. */
  #manager: Member | undefined;
  #askedAt: number | undefined;
  #changed: () => void = () => {};

  constructor(context: RoleContext) {
    this.#context = context;
  }

  /** Aborts when the end has been asked for a second time. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  /**
   * A signal asks for the end: `'first'`, or once more. Its copies do not count: who signals a group of processes, and
   * the process in it, or the launcher that hands signals on, sends several at once.
   */
  asked(): 'first' | 'copy' | 'again' {
    const now = performance.now();
    if (this.#askedAt !== undefined && now - this.#askedAt < SAME_SIGNAL_MS) return 'copy';
    const which = this.#askedAt === undefined ? 'first' : 'again';
    this.#askedAt = now;
    return which;
  }

  /** Nothing that is under way is waited for; the time after, the manager is not either. */
  hasten(): void {
    const { log } = this.#context;
    if (!this.hurry.aborted) {
      log.warn('asked to stop once more: what is under way is not waited for');
      this.#hurry.abort();
      this.#changed();
      this.#tellManager();
    } else if (this.#manager !== undefined) {
      log.warn('asked to stop yet again: the manager is killed');
      this.#manager.killAll();
    }
  }

  /** The manager has come up, or has ended. */
  managerChanged(): void {
    this.#changed();
  }

  /**
   * Resolves when the manager and everything below it have ended. With `drains`, one that is only coming up has its time
   * for that first: what a dead one's workers have left unread is for its own.
   */
  async stopManager(pool: ProcessPool, drains: boolean): Promise<void> {
    if (drains) await this.#up(pool);
    // It needs the time of its user processes, of its workers, of its service processes, then of its task workers.
    const timeout = (this.#context.options.maxWaitTime + KILL_GRACE_MS) * 4 + 1_000;
    const stopped = pool.stop({ mode: SHUTDOWN, timeout });
    // Not before it has been told to stop: it would replace what it kills, and be replaced.
    this.#manager = pool.members[0];
    if (this.hurry.aborted) this.#tellManager();
    await stopped;
    this.#manager = undefined;
  }

  async #up({ members: [manager] }: ProcessPool): Promise<void> {
    let late = false;
    const alarm = new Alarm(this.#context.options.maxWaitTime, () => {
      late = true;
      this.#changed();
    });
    while (!late && !this.hurry.aborted && manager?.wanted && !manager.isUp)
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    alarm.cancel();
  }

  #tellManager(): void {
    this.#manager?.send({ type: 'hurry' } satisfies ToManager);
  }
}
