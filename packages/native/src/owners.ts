import { NativeError } from './errors.js';

/**
 * Users, besides root and the one of this process, whose queues, segments, sockets and files are used. `'any'`:
 * those of all users. Any user may create an object under a name that is known beforehand, and its creator can read it,
 * write to it, and remove it.
 */
export type TrustedUsers = readonly number[] | 'any';

const NO_OTHERS: TrustedUsers = [];

/** What a name leads to belongs to a user who is not trusted, or lets others change it. */
export class UntrustedError extends NativeError {
  override readonly name = 'UntrustedError';
  /** What it is: `'The POSIX queue /tasks'`. */
  readonly object: string;
  /** The user that it belongs to. */
  readonly owner: number;

  constructor(object: string, owner: number, why: string, advice: string) {
    super('ERR_MILLRACE_UNTRUSTED', `${object} ${why}. ${advice}`);
    this.object = object;
    this.owner = owner;
  }
}

/** Whether a user is this process's, root, or one of `trusted`. */
export function isTrusted(user: number, trusted: TrustedUsers = NO_OTHERS): boolean {
  return trusted === 'any' || user === 0 || user === process.geteuid?.() || trusted.includes(user);
}

/** Throws an {@link UntrustedError} for what belongs to another user. `advice` says what to do besides trusting that user. */
export function assertTrusted(
  object: string,
  user: number,
  trusted: TrustedUsers | undefined,
  advice: string,
): void {
  if (isTrusted(user, trusted)) return;
  const why = `belongs to user ${user}, who is neither root nor user ${process.geteuid?.()} of this process`;
  throw new UntrustedError(object, user, why, advice);
}
