import type { ChildProcessContext } from '@millrace/process-pool';
import type { Role, RoleContext, ToWorker } from '../role.js';

/** What a process of `addProcess` knows of itself. */
export interface UserProcess {
  /** Its flat id, for `sendMessage`. */
  readonly id: number;
  /** Aborts when the server wants the process to end; it has `maxWaitTime` for that. */
  readonly signal: AbortSignal;
}

/**
 * Runs in a process of its own, which is kept alive: it is replaced when it dies. A handler that returns leaves the
 * process to its timers and messages; one that throws ends it.
 */
export type UserProcessHandler = (self: UserProcess) => unknown;

/** Runs a function of the user's in a process of its own. */
export class UserProcessRole implements Role {
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #id: number;
  readonly #handler: UserProcessHandler;
  readonly #stop = new AbortController();

  constructor(context: RoleContext, child: ChildProcessContext, id: number, handler: UserProcessHandler) {
    this.#context = context;
    this.#child = child;
    this.#id = id;
    this.#handler = handler;
    child.onMessage((body) => {
      if ('reopenLog' in (body as ToWorker)) context.reopenLog();
      else if ('sessionsLost' in (body as ToWorker)) context.settleLost();
    });
    child.onStop(() => this.#stop.abort());
  }

  async start(): Promise<void> {
    this.#child.ready();
    void this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    try {
      await this.#handler({ id: this.#id, signal });
      // A handler that only sets things up leaves the process to them, until it is to end.
      if (!signal.aborted)
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    } catch (error) {
      if (!signal.aborted) {
        this.#context.log.fatal({ err: error }, 'a user process has failed');
        process.exit(1);
      }
    }
    await this.#context.flushMail();
    process.exit(0);
  }
}
