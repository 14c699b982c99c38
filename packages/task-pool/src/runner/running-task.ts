/**
 * The second argument of a task handler; `Report` is the type of its progress reports. It may be destructured:
 * `async (value, { progress }) => …`.
 */
export interface TaskContext<Report = unknown> {
  /** The submitting process's number for this task; unique while that process lives. */
  readonly id: number;
  /**
   * The process that submitted the task: in a pool 0; in the server its flat id, or for the manager and the master the two numbers
   * behind the last of those. -1: another program, or an earlier run; the result is discarded.
   */
  readonly source: number;
  /** Which attempt this is, from 1; more than 1 only with `retries`, after a task worker died. */
  readonly attempt: number;
  /** Aborted when the result is no longer wanted: by a time-out, the caller's signal, or when it leaves its loop. */
  readonly signal: AbortSignal;
  /** Reports to the caller's `onProgress`; false when the report was dropped because the caller reads too slowly. */
  progress(report: Report): boolean;
  /**
   * Sends a result now, before or after the handler's own, any number of times. It reaches the server's `finish` handlers in the
   * worker that submitted the task. Throws `ERR_MILLRACE_UNSENDABLE`, and may be called again.
   */
  finish(value: unknown): void;
}

/** What a running task needs of its runner. */
export interface RunningTaskHost {
  /** The `source` of tasks of that channel. */
  sourceOf(asker: number): number;
  progress(task: RunningTask, report: unknown): boolean;
  finish(task: RunningTask, value: unknown): void;
}

/** A task in a task worker, from its arrival to the answer; its handler sees it as {@link TaskContext}. */
export class RunningTask implements TaskContext {
  readonly id: number;
  /** The index of the channel that the answer goes to; -1: none. */
  readonly asker: number;
  readonly attempt: number;
  readonly incarnation: number;
  readonly slot: number;
  readonly sequence: number;
  readonly flags: number;
  readonly name: string;
  readonly value: unknown;
  readonly broken: Error | undefined;
  startedAt = 0;
  /** More results of a stream that may be sent. */
  credit = 0;
  /** Called when credit comes, or the task is aborted. */
  wake: (() => void) | undefined;
  readonly #host: RunningTaskHost;
  #progress: ((report: unknown) => boolean) | undefined;
  #finish: ((value: unknown) => void) | undefined;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(
    host: RunningTaskHost,
    asker: number,
    message: {
      readonly id: number;
      readonly number: number;
      readonly incarnation: number;
      readonly slot: number;
      readonly sequence: number;
      readonly flags: number;
      readonly name: string;
      readonly value: unknown;
      readonly broken: Error | undefined;
    },
  ) {
    this.#host = host;
    this.asker = asker;
    this.id = message.id;
    this.attempt = message.number;
    this.incarnation = message.incarnation;
    this.slot = message.slot;
    this.sequence = message.sequence;
    this.flags = message.flags;
    this.name = message.name;
    this.value = message.value;
    this.broken = message.broken;
  }

  get source(): number {
    return this.#host.sourceOf(this.asker);
  }

  /** Created on first use: few handlers need it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#aborted !== undefined;
  }

  /** Created on first use, and bound: handlers destructure their context. */
  get progress(): (report: unknown) => boolean {
    this.#progress ??= (report) => this.#host.progress(this, report);
    return this.#progress;
  }

  get finish(): (value: unknown) => void {
    this.#finish ??= (value) => this.#host.finish(this, value);
    return this.#finish;
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
    this.wake?.();
  }
}
