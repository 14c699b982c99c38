import { MillraceError, type MillraceErrorOptions } from '@millrace/channel/errors';

/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type TaskErrorCode =
  /** The task worker died while it ran the task; `exitCode` and `signal` say how, `cause` why, where that is known. */
  | 'ERR_MILLRACE_TASK_WORKER_DIED'
  /** The cause of the one above where the worker was killed for another task, which went on for `grace` after its time-out or abort. */
  | 'ERR_MILLRACE_TASK_STUCK'
  /**
   * The memory or pipe between a client and a task worker is corrupt: some process has overwritten it. The cause of
   * `ERR_MILLRACE_TASK_WORKER_DIED` where the worker was killed for it; of a task itself where its claim was overwritten, and it
   * is unknown whether a worker has begun it.
   */
  | 'ERR_MILLRACE_TASK_CORRUPT'
  /** The task's time-out has passed; a late answer is dropped. */
  | 'ERR_MILLRACE_TASK_TIMEOUT'
  /** As many tasks wait as `maxQueue` allows; this one was refused. */
  | 'ERR_MILLRACE_TASK_QUEUE_FULL'
  /** There is no task of that name in the task worker. */
  | 'ERR_MILLRACE_UNKNOWN_TASK'
  /** The chosen task worker does not exist, or has been given up. */
  | 'ERR_MILLRACE_NO_TASK_WORKER'
  /** The client or pool was closed before the task had its answer, or is closed. */
  | 'ERR_MILLRACE_TASK_CLIENT_CLOSED'
  /** The task gives several results: it is asked for with `stream`, not with `run`. */
  | 'ERR_MILLRACE_TASK_STREAM'
  /** A large value could not be written to or read from `taskTmpdir`; `cause` is the system's error. */
  | 'ERR_MILLRACE_TASK_TMPDIR'
  /** The system queue of the tasks is in use by another pool, or takes no task; `cause` is the queue's own error. */
  | 'ERR_MILLRACE_TASK_QUEUE'
  /** An option has a value that it cannot have. */
  | 'ERR_MILLRACE_TASK_OPTION'
  /** The module has no tasks: neither an export `tasks` nor a default one, or an empty one; or something in it is no function. */
  | 'ERR_MILLRACE_NO_TASKS'
  /** Every task worker has been given up: none became ready. */
  | 'ERR_MILLRACE_TASK_POOL_FAILED';

export interface TaskErrorOptions extends MillraceErrorOptions {
  readonly exit?: { readonly code: number | null; readonly signal: NodeJS.Signals | null };
}

export class TaskError extends MillraceError<TaskErrorCode> {
  override readonly name = 'TaskError';
  /** `ERR_MILLRACE_TASK_WORKER_DIED`: how it ended. */
  readonly exitCode: number | null | undefined;
  readonly signal: NodeJS.Signals | null | undefined;

  constructor(code: TaskErrorCode, message: string, { exit, ...options }: TaskErrorOptions = {}) {
    super(code, message, options);
    this.exitCode = exit?.code;
    this.signal = exit?.signal;
  }
}
