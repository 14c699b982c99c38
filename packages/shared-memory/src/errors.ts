/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type SharedMemoryErrorCode =
  /** A size that cannot be: the message names the value and the limits. */
  | 'ERR_MILLRACE_RING_SIZE'
  /** The memory holds no ring, one of another version, or one whose contents contradict themselves. */
  | 'ERR_MILLRACE_RING_CORRUPT'
  /** Sizes of a queue that cannot be, or memory too small for it. */
  | 'ERR_MILLRACE_QUEUE_SIZE'
  /** The memory holds no queue, another one, or one whose contents contradict themselves. */
  | 'ERR_MILLRACE_QUEUE_CORRUPT'
  /** A member's number is out of range, or somebody else's. */
  | 'ERR_MILLRACE_QUEUE_MEMBER'
  /** A message that no slot of the queue can hold. */
  | 'ERR_MILLRACE_QUEUE_MESSAGE_SIZE'
  /** A message is not in the hand of who gives it back. */
  | 'ERR_MILLRACE_QUEUE_TICKET';

export class SharedMemoryError extends Error {
  override readonly name = 'SharedMemoryError';
  readonly code: SharedMemoryErrorCode;

  constructor(code: SharedMemoryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
