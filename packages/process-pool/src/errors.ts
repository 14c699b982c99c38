import { MillraceError } from '@millrace/channel/errors';

/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type ProcessPoolErrorCode =
  /** A member was given up before it was ready; the message says how its last process ended. */
  | 'ERR_MILLRACE_POOL_START_FAILED'
  /** The pool is stopping or has stopped. */
  | 'ERR_MILLRACE_POOL_STOPPED'
  /** Two members of one pool have the same name. */
  | 'ERR_MILLRACE_DUPLICATE_NAME'
  /** An affinity has no processor that the process may use. */
  | 'ERR_MILLRACE_BAD_PROCESSOR'
  /** The call needs an option that is not set. */
  | 'ERR_MILLRACE_NOT_ENABLED'
  /** A program could not be executed or started. */
  | 'ERR_MILLRACE_EXECUTE'
  /** A process was used before it was started, or started twice. */
  | 'ERR_MILLRACE_NOT_STARTED'
  /** The parent has handed down no descriptor of that name. */
  | 'ERR_MILLRACE_NO_DESCRIPTOR'
  /** A plan of links contradicts itself, or was asked for what it does not have. */
  | 'ERR_MILLRACE_LINK_PLAN'
  /** A number or a name is out of its range; `value` is what was given, and `limit`, where there is one, what it may be at most. */
  | 'ERR_MILLRACE_POOL_ARGUMENT'
  /** A process has sent a malformed control message, and was killed for it. */
  | 'ERR_MILLRACE_BAD_CONTROL';

export class ProcessPoolError extends MillraceError<ProcessPoolErrorCode> {
  override readonly name = 'ProcessPoolError';
}
