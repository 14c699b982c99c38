import { MillraceError, type MillraceErrorOptions } from '@millrace/channel/errors';
import { SystemCallError, type TrustedUsers } from '@millrace/native';
import { assertTrusted } from '@millrace/native/internal';

/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type QueueErrorCode =
  /** `open` of a queue that does not exist. */
  | 'ERR_MILLRACE_QUEUE_NOT_FOUND'
  /** `create` of a queue that exists. */
  | 'ERR_MILLRACE_QUEUE_EXISTS'
  /** The queue's permissions, or how it was opened, do not allow this. */
  | 'ERR_MILLRACE_QUEUE_ACCESS'
  /** The queue belongs to another user that the program does not trust; `cause` names that user as `owner`. */
  | 'ERR_MILLRACE_QUEUE_OWNER'
  /** A limit of the system is in the way; `limit` has its name and value, the message what changes it. */
  | 'ERR_MILLRACE_QUEUE_LIMIT'
  /** A name, key, priority, type or option that no queue can have. */
  | 'ERR_MILLRACE_QUEUE_ARGUMENT'
  /** The queue was removed while it was in use. */
  | 'ERR_MILLRACE_QUEUE_REMOVED'
  /** This object has been closed, or belongs to a channel. */
  | 'ERR_MILLRACE_QUEUE_CLOSED'
  /** One message is larger than the queue takes; nothing of it was sent. */
  | 'ERR_MILLRACE_QUEUE_MESSAGE_TOO_LARGE'
  /** The file for a payload that is larger than a message could not be written. */
  | 'ERR_MILLRACE_QUEUE_SPILL'
  /** What arrived is no message of a channel, or its payload's file cannot be read; it was skipped. */
  | 'ERR_MILLRACE_QUEUE_BAD_MESSAGE';

/** A limit of the system: the name that `sysctl` or `ulimit` know it by, and its value when that can be read. */
export interface SystemLimit {
  readonly name: string;
  readonly value: number | undefined;
}

export interface QueueErrorOptions extends MillraceErrorOptions {
  readonly limit?: SystemLimit;
}

export class QueueError extends MillraceError<QueueErrorCode> {
  override readonly name = 'QueueError';
  /** `ERR_MILLRACE_QUEUE_LIMIT` and `ERR_MILLRACE_QUEUE_MESSAGE_TOO_LARGE`: what is in the way. */
  declare readonly limit?: SystemLimit;

  constructor(code: QueueErrorCode, message: string, options?: QueueErrorOptions) {
    super(code, message, options);
  }
}

/** The error for a call that failed as expected of it: its name and error number are kept. */
export function failedCall(
  code: QueueErrorCode,
  message: string,
  syscall: string,
  errno: number,
  limit?: SystemLimit,
): QueueError {
  const cause = new SystemCallError(syscall, errno);
  return new QueueError(code, message, { cause, ...(limit && { limit }) });
}

export function closedError(queue: string): QueueError {
  return new QueueError('ERR_MILLRACE_QUEUE_CLOSED', `${queue} has been closed in this process.`);
}

/** The queue could be opened, which needs no rights, and this call needs some. */
export function deniedError(queue: string, syscall: string, errno: number): QueueError {
  return failedCall(
    'ERR_MILLRACE_QUEUE_ACCESS',
    `The permissions of ${queue} do not let this user use it: ipcs -q shows its owner.`,
    syscall,
    errno,
  );
}

/** Refuses a queue whose owner is neither root nor this process's user nor trusted: the owner can read and write what is in it. */
export function checkOwner(queue: string, user: number, trusted: TrustedUsers | undefined): void {
  try {
    assertTrusted(
      queue,
      user,
      trusted,
      'Remove it, take another name or key, or name the user in `trustedUsers`.',
    );
  } catch (cause) {
    throw new QueueError('ERR_MILLRACE_QUEUE_OWNER', (cause as Error).message, { cause });
  }
}

export function removedError(queue: string, syscall: string, errno: number): QueueError {
  return failedCall(
    'ERR_MILLRACE_QUEUE_REMOVED',
    `${queue} was removed while it was in use.`,
    syscall,
    errno,
  );
}
