/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type ReactorErrorCode =
  /** The descriptor is watched already. */
  | 'ERR_MILLRACE_WATCHED'
  /** The descriptor is not watched. */
  | 'ERR_MILLRACE_NOT_WATCHED'
  /** An interest without its callback, or neither read nor write at all. */
  | 'ERR_MILLRACE_NO_CALLBACK'
  /** The reactor has been closed. */
  | 'ERR_MILLRACE_REACTOR_CLOSED'
  /** A framing that cannot be: the message names the field, the value and what is allowed. */
  | 'ERR_MILLRACE_FRAMING';

export class ReactorError extends Error {
  override readonly name = 'ReactorError';
  readonly code: ReactorErrorCode;

  constructor(code: ReactorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
