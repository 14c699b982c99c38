import { MillraceError } from '@millrace/channel/errors';

/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type PipeErrorCode =
  /** A datagram arrived that does not keep to the layout: something else writes to this socket. */
  | 'ERR_MILLRACE_PIPE_CORRUPT'
  /** There is no listener at the path; or it took no connection within the time-out. */
  | 'ERR_MILLRACE_PIPE_REFUSED'
  /** This process or thread was not started with a pipe, or has taken it already. */
  | 'ERR_MILLRACE_PIPE_NO_PARENT';

export class PipeError extends MillraceError<PipeErrorCode> {
  override readonly name = 'PipeError';
}
