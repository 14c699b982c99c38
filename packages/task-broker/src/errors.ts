import { MillraceError } from '@millrace/channel/errors';

/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type BrokerErrorCode =
  /** The engine cannot be reached; `cause` is the connection's own error. A task that was refused with it was not accepted. */
  | 'ERR_MILLRACE_TASK_ENGINE_AWAY'
  /** The engine is too old; the message names its version and the oldest that serves. */
  | 'ERR_MILLRACE_TASK_ENGINE_VERSION'
  /** A setting of the engine would lose tasks; the message names it, and what it must be. */
  | 'ERR_MILLRACE_TASK_ENGINE_SETTING'
  /** The engine has refused a request; `cause` is its error. */
  | 'ERR_MILLRACE_TASK_ENGINE_REFUSED'
  /** A value, a result or an error has more bytes than `valueLimit`, and there is no `largeValues`. */
  | 'ERR_MILLRACE_TASK_TOO_LARGE'
  /** The store `largeValues` has failed, or is missing where a value lies in one; `cause` is its error. */
  | 'ERR_MILLRACE_TASK_STORE'
  /** The engine no longer knows the task: it has lost its data, or removed the answer before it was fetched. */
  | 'ERR_MILLRACE_TASK_LOST'
  /** An option has a value that it cannot have. */
  | 'ERR_MILLRACE_BROKER_OPTION';

/** An error of what brings tasks to other machines. */
export class BrokerError extends MillraceError<BrokerErrorCode> {
  override readonly name = 'BrokerError';
}
