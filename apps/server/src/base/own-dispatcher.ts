import { Dispatcher } from '../reactor/dispatch.js';
import type { WorkerLink } from '../reactor/worker-link.js';

/** Base mode: everything is for the worker that the reactor is part of. */
export class OwnDispatcher extends Dispatcher {
  readonly #own: WorkerLink;

  constructor(workers: readonly WorkerLink[], own: number) {
    super(workers);
    this.#own = workers[own] as WorkerLink;
  }

  override home(): WorkerLink {
    return this.#own;
  }

  override pickForHost(): WorkerLink {
    return this.#own;
  }
}
