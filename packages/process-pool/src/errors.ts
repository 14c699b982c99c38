import { MillraceError } from '@millrace/channel/errors';

/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type ProcessPoolErrorCode =
  /** A member kept dying before it was ready; `exit` says how it ended the last time. */
  | 'ERR_MILLRACE_POOL_START_FAILED'
  /** The pool is stopping or has stopped. */
  | 'ERR_MILLRACE_POOL_STOPPED'
  /** Two members of one pool have the same name. */
  | 'ERR_MILLRACE_DUPLICATE_NAME'
  /** A process was asked to run on processors of which it may use none. */
  | 'ERR_MILLRACE_BAD_PROCESSOR'
  /** What was asked needs an option that was not set. */
  | 'ERR_MILLRACE_NOT_ENABLED'
  /** A program could not be executed or started. */
  | 'ERR_MILLRACE_EXECUTE'
  /** A process was used before it was started, or started twice. */
  | 'ERR_MILLRACE_NOT_STARTED'
  /** There is no descriptor of that name among those that the parent handed down. */
  | 'ERR_MILLRACE_NO_DESCRIPTOR'
  /** A plan of links contradicts itself, or was asked for what it does not have. */
  | 'ERR_MILLRACE_LINK_PLAN'
  /** What a process said on its control pipe made no sense; it has been killed for it. */
  | 'ERR_MILLRACE_BAD_CONTROL';

export class ProcessPoolError extends MillraceError<ProcessPoolErrorCode> {
  override readonly name = 'ProcessPoolError';
}
