import { MillraceError } from '@millrace/channel/errors';
import { NativeError, SystemCallError, type TrustedUsers } from '@millrace/native';
import { assertTrusted } from '@millrace/native/internal';

/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type SharedMemoryErrorCode =
  /** An invalid capacity of a ring: the message names the value and the limits. */
  | 'ERR_MILLRACE_RING_SIZE'
  /** The memory holds no ring, one of another version, or one whose contents contradict themselves. */
  | 'ERR_MILLRACE_RING_CORRUPT'
  /** An invalid number of owners. */
  | 'ERR_MILLRACE_OWNERS_COUNT'
  /** More threads live that use a memory than it was created for. */
  | 'ERR_MILLRACE_OWNERS_FULL'
  /** The memory was created in another pid namespace: whether owners in it live cannot be told. */
  | 'ERR_MILLRACE_PID_NAMESPACE'
  /** A segment, or something in one, was used after it had been closed. */
  | 'ERR_MILLRACE_CLOSED'
  /** An invalid name, key or kind of a segment. */
  | 'ERR_MILLRACE_SEGMENT_NAME'
  /** An invalid size of a segment. */
  | 'ERR_MILLRACE_SEGMENT_SIZE'
  /** Invalid permissions of a segment. */
  | 'ERR_MILLRACE_SEGMENT_PERMISSIONS'
  /** `create` found the name taken. */
  | 'ERR_MILLRACE_SEGMENT_EXISTS'
  /** `open` found none. */
  | 'ERR_MILLRACE_SEGMENT_MISSING'
  /** What is there was made by another program, or by another version of this one. */
  | 'ERR_MILLRACE_SEGMENT_FOREIGN'
  /** It is another user's that the program does not trust; `cause` names that user as `owner`. */
  | 'ERR_MILLRACE_SEGMENT_OWNER'
  /** The segment is not what was expected: the message names the first difference. */
  | 'ERR_MILLRACE_SEGMENT_MISMATCH'
  /** Its creator lives, and has not finished in time. */
  | 'ERR_MILLRACE_SEGMENT_UNFINISHED'
  /** An invalid definition of a table: the message names the value and the limits. */
  | 'ERR_MILLRACE_TABLE_DEFINITION'
  /** The table that is there is not the one that was asked for: the message names every difference. */
  | 'ERR_MILLRACE_TABLE_MISMATCH'
  /** The memory holds no table, or one of another version. */
  | 'ERR_MILLRACE_TABLE_CORRUPT'
  /** A key that is empty, too long or no well-formed string. */
  | 'ERR_MILLRACE_TABLE_KEY'
  /** A column that does not exist, one that holds no number where a number is needed, or an empty list of columns. */
  | 'ERR_MILLRACE_TABLE_COLUMN'
  /** A value that its column cannot hold. Nothing is cut or rounded to make it fit. */
  | 'ERR_MILLRACE_TABLE_VALUE'
  /** A live but stopped process (SIGSTOP, a debugger) has held a row's lock for too long. */
  | 'ERR_MILLRACE_TABLE_BUSY'
  /** A number that an atomic cannot hold. */
  | 'ERR_MILLRACE_ATOMIC_VALUE'
  /** This thread owns the lock already, and would wait for itself. */
  | 'ERR_MILLRACE_LOCK_HELD'
  /** This thread does not own what it wants to unlock. */
  | 'ERR_MILLRACE_LOCK_NOT_HELD'
  /** An invalid number of permits. */
  | 'ERR_MILLRACE_SEMAPHORE_PERMITS'
  /** An invalid number of parties. */
  | 'ERR_MILLRACE_BARRIER_PARTIES'
  /** This process or thread was not started with a ring, or has taken it already. */
  | 'ERR_MILLRACE_RING_NO_PARENT';

export class SharedMemoryError extends MillraceError<SharedMemoryErrorCode> {
  override readonly name = 'SharedMemoryError';
}

/**
 * @internal Refuses a segment of a user that is neither root nor this process's nor trusted: that user reads and writes
 * what is in it, and may take it away.
 */
export function checkOwner(label: string, user: number, trusted: TrustedUsers | undefined): void {
  try {
    const advice = 'Unlink it, take another name or key, or name the user in `trustedUsers`.';
    assertTrusted(`The segment ${label}`, user, trusted, advice);
  } catch (cause) {
    throw new SharedMemoryError('ERR_MILLRACE_SEGMENT_OWNER', (cause as Error).message, { cause });
  }
}

/** @internal What the kernel says when memory has run out, as an error that says what to do. */
export function noMemory(syscall: string, errno: number, label: string, bytes: number): NativeError {
  const cause = new SystemCallError(syscall, errno, `${label}, ${bytes} bytes`);
  return new NativeError(
    'ERR_MILLRACE_NO_MEMORY',
    `There is no room for ${bytes} bytes of shared memory for ${label} (${cause.errnoName}). Ask for less, unlink segments ` +
      'that are not needed any more, or enlarge /dev/shm (System V: sysctl kernel.shmall, kernel.shmmax, kernel.shmmni).',
    { cause },
  );
}
