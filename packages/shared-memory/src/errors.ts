/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type SharedMemoryErrorCode =
  /** A size that cannot be: the message names the value and the limits. */
  | 'ERR_MILLRACE_RING_SIZE'
  /** The memory holds no ring, one of another version, or one whose contents contradict themselves. */
  | 'ERR_MILLRACE_RING_CORRUPT'
  /** This process or thread was not started with a ring, or has taken it already. */
  | 'ERR_MILLRACE_RING_NO_PARENT';

export class SharedMemoryError extends Error {
  override readonly name = 'SharedMemoryError';
  readonly code: SharedMemoryErrorCode;

  constructor(code: SharedMemoryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
