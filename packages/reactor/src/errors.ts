import { MillraceError } from '@millrace/channel/errors';
import { SystemCallError } from '@millrace/native';

/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type ReactorErrorCode =
  /** The descriptor is watched already. */
  | 'ERR_MILLRACE_WATCHED'
  /** The descriptor is not watched. */
  | 'ERR_MILLRACE_NOT_WATCHED'
  /** A descriptor is to be watched for something that there is no callback for. */
  | 'ERR_MILLRACE_NO_CALLBACK'
  /** The reactor has been closed. */
  | 'ERR_MILLRACE_REACTOR_CLOSED'
  /** `turn` or `run` was called from within a turn. */
  | 'ERR_MILLRACE_IN_TURN'
  /** A framing that cannot be: the message names the field, the value and what is allowed. */
  | 'ERR_MILLRACE_FRAMING'
  /** An option that cannot be: the message names it, the value and what is allowed. */
  | 'ERR_MILLRACE_REACTOR_OPTION'
  /** A file cannot be sent: it is not a regular file, or has not the bytes that were asked for. */
  | 'ERR_MILLRACE_REACTOR_FILE'
  /** A descriptor that is to be adopted is a socket of another kind. */
  | 'ERR_MILLRACE_DESCRIPTOR'
  /** A connection was not established in time. */
  | 'ERR_MILLRACE_CONNECT_TIMEOUT'
  /** A client has not come through the TLS handshake; `cause` is what node:tls says. */
  | 'ERR_MILLRACE_TLS_HANDSHAKE';

export class ReactorError extends MillraceError<ReactorErrorCode> {
  override readonly name = 'ReactorError';
}

export function reactorClosed(): ReactorError {
  return new ReactorError('ERR_MILLRACE_REACTOR_CLOSED', 'The reactor has been closed.');
}

/** Returns `value`, or throws `ERR_MILLRACE_REACTOR_OPTION` when it is not an integer from `min` to `max`. */
export function checkInteger(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new ReactorError(
    'ERR_MILLRACE_REACTOR_OPTION',
    `${name} is an integer from ${min} to ${max}, not ${String(value)}.`,
  );
}

/** What the network does has no place in the program, and a stack costs more than all else about a close: it has none. */
export function networkFailure(syscall: string, errno: number, fd: number): SystemCallError {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = new SystemCallError(syscall, errno, `connection, descriptor ${fd}`);
  Error.stackTraceLimit = stackTraceLimit;
  return error;
}

/** Whether `error` says that the other side has broken the connection off. */
export function isByPeer(error: Error): boolean {
  return (
    error instanceof SystemCallError && (error.errnoName === 'ECONNRESET' || error.errnoName === 'EPIPE')
  );
}
