import { type TaskContext, TaskError } from '@millrace/task-pool';
import type { Bodies } from '../wire/bodies.js';
import type { TaskCall } from './task-call.js';

/** What is for those who run the handlers to say. */
export interface ContextParts {
  /** As that of the context; tasks of an engine come from whatever process. */
  readonly source: number;
  /** Called with what a task gives to `finish`, which goes no further. */
  readonly finish: (value: unknown, name: string) => void;
}

/** In a server: its `finish` handlers are in the process that has asked, which an engine sends one result. */
export function noFinish(_value: unknown, name: string): never {
  const message =
    `Task '${name}' came by an engine, which brings back what its handler returns: 'finish' cannot be called. ` +
    'Return the result, report by progress, or ask for a stream.';
  throw new TaskError('ERR_MILLRACE_TASK_OPTION', message);
}

/** What a handler is given as its second argument: number and attempt are the caller's, the rest is the task process's. */
export class RemoteContext implements TaskContext {
  readonly id: number;
  readonly attempt: number;
  readonly source: number;
  readonly #name: string;
  readonly #parts: ContextParts;
  readonly #local: TaskContext;
  readonly #bodies: Bodies;
  #progress: ((report: unknown) => boolean) | undefined;
  #finish: ((value: unknown) => void) | undefined;

  constructor({ number, name, attempt }: TaskCall, local: TaskContext, bodies: Bodies, parts: ContextParts) {
    this.source = parts.source;
    this.#name = name;
    this.#parts = parts;
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

  get finish(): (value: unknown) => void {
    this.#finish ??= (value) => this.#parts.finish(value, this.#name);
    return this.#finish;
  }
}
