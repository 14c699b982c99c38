import type { TaskContext } from '@millrace/task-pool';
import type { Bodies } from '../wire/bodies.js';
import type { TaskCall } from './task-call.js';

/** What a handler is given as its second argument: number and attempt are the caller's, the rest is the task process's. */
export class RemoteContext implements TaskContext {
  readonly id: number;
  readonly attempt: number;
  /** Tasks of an engine come from whatever process. */
  readonly source = 0;
  readonly #local: TaskContext;
  readonly #bodies: Bodies;
  #progress: ((report: unknown) => boolean) | undefined;
  #finish: ((value: unknown) => void) | undefined;

  constructor({ number, attempt }: TaskCall, local: TaskContext, bodies: Bodies) {
    this.id = number;
    this.attempt = attempt;
    this.#local = local;
    this.#bodies = bodies;
  }

  get signal(): AbortSignal {
    return this.#local.signal;
  }

  /** Created on first use, and bound: handlers destructure their context. */
  get progress(): (report: unknown) => boolean {
    this.#progress ??= (report) => this.#local.progress(this.#bodies.small(report));
    return this.#progress;
  }

  /** No handler of a server listens behind an engine, as none does in a pool: the value is checked and goes no further. */
  get finish(): (value: unknown) => void {
    this.#finish ??= (value) => {
      this.#local.finish(this.#bodies.small(value));
    };
    return this.#finish;
  }
}
