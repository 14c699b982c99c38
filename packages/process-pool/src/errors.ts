/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type ProcessPoolErrorCode =
  /** A member kept dying before it was ready; `exit` says how it ended the last time. */
  | 'ERR_MILLRACE_START_FAILED'
  /** The pool is stopping or has stopped. */
  | 'ERR_MILLRACE_POOL_STOPPED'
  /** There is no descriptor of that name among those that the parent handed down. */
  | 'ERR_MILLRACE_NO_DESCRIPTOR';

export class ProcessPoolError extends Error {
  override readonly name = 'ProcessPoolError';
  readonly code: ProcessPoolErrorCode;

  constructor(code: ProcessPoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
