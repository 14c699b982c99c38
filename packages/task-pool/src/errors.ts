/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type TaskErrorCode =
  /** The task worker died while it ran the task. */
  | 'ERR_MILLRACE_TASK_WORKER_DIED'
  /** The task's time-out has passed; a late answer is dropped. */
  | 'ERR_MILLRACE_TASK_TIMEOUT'
  /** As many tasks wait as the limit allows; this one was not taken. */
  | 'ERR_MILLRACE_TASK_QUEUE_FULL'
  /** There is no task of that name in the task worker. */
  | 'ERR_MILLRACE_UNKNOWN_TASK'
  /** The chosen task worker does not exist. */
  | 'ERR_MILLRACE_NO_TASK_WORKER'
  /** The client was closed before the task had its answer. */
  | 'ERR_MILLRACE_TASK_CLIENT_CLOSED';

export class TaskError extends Error {
  override readonly name = 'TaskError';
  readonly code: TaskErrorCode;
  /** `ERR_MILLRACE_TASK_WORKER_DIED`: how it ended. */
  readonly exitCode: number | null | undefined;
  readonly signal: NodeJS.Signals | null | undefined;

  constructor(
    code: TaskErrorCode,
    message: string,
    exit?: { readonly code: number | null; readonly signal: NodeJS.Signals | null },
  ) {
    super(message);
    this.code = code;
    this.exitCode = exit?.code;
    this.signal = exit?.signal;
  }
}
