import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, readlinkSync, type Stats } from 'node:fs';
import { basename } from 'node:path';
import { syscalls } from './addon.js';
import { EACCES, EBUSY, O_PATH } from './constants.js';
import { assertTrusted, isTrusted, type TrustedUsers, UntrustedError } from './owners.js';
import { type Entry, IS_LINK, pathError, withTrustedPath } from './trusted-path.js';

const { O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
const ADVICE = 'Remove it, or name a file in a directory that only this user may write.';
/** Permissions of a directory by which others than its owner make names in it. */
const WRITABLE_BY_OTHERS = 0o022;

/** A fraction of a second: more than any rotation takes, also one that a program does in a loop. */
const MAX_ATTEMPTS = 10_000;
/** In the place of a descriptor: the file was replaced while it was looked at. */
const REPLACED = Number.MIN_SAFE_INTEGER;

export interface AppendOptions {
  /** Default: for writing at the end, made where it is not there, without waiting for a reader where it is a FIFO. */
  readonly flags?: number;
  /** Of a file that is made, less the umask. Default 0o666. */
  readonly mode?: number;
  /** Users, besides root and this process's, whose file it may be. Default: none. */
  readonly trustedUsers?: TrustedUsers;
}

/**
 * Opens a file that output is added to, and makes it where there is none; returns its descriptor. It is taken when it is
 * root's, this user's or a trusted user's: any user may have made it first in a directory that all may write. Links on
 * the way are followed as {@link withTrustedPath} says, also those of trusted users. A regular file that has a second name
 * is refused where others may make names: they may have given it that one. Devices and terminals are taken as they are.
 *
 * Throws `UntrustedError`, or an error as `openSync` throws it.
 */
export function openForAppending(
  path: string,
  {
    flags = O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK,
    mode = 0o666,
    trustedUsers,
  }: AppendOptions = {},
): number {
  const open = (entry: Entry, follow: boolean) => {
    const fd = syscalls.openAt(entry.directory, entry.name, follow ? flags : flags | O_NOFOLLOW, mode);
    if (fd === IS_LINK && !follow) return fd;
    if (fd < 0) {
      // The kernel may refuse by itself (fs.protected_regular), and does not say whose it is.
      const status = fd === -EACCES ? statusOf(entry) : undefined;
      if (status) assertTrusted(`The file ${path}`, status.uid, trustedUsers, ADVICE);
      throw pathError(-fd, path);
    }
    try {
      if (isUsable(fd, path, entry, trustedUsers)) return fd;
      closeSync(fd);
      return REPLACED;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  };
  // A rotation of logs may replace it meanwhile, but not for ever.
  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
    const fd = withTrustedPath(path, ADVICE, open);
    if (fd !== REPLACED) return fd;
  }
  throw pathError(EBUSY, path);
}

/** Throws `UntrustedError`; false: the name leads to another file by now. */
function isUsable(fd: number, path: string, entry: Entry, trustedUsers: TrustedUsers | undefined): boolean {
  const status = fstatSync(fd);
  if (!status.isCharacterDevice()) assertTrusted(`The file ${path}`, status.uid, trustedUsers, ADVICE);
  if (!status.isFile() && !status.isBlockDevice()) return true;
  const { uid, mode } = fstatSync(entry.directory);
  if (isTrusted(uid) && (mode & WRITABLE_BY_OTHERS) === 0) return true;
  if (status.nlink <= 1) {
    untilNamesAreSettled(entry.directory);
    return isNamed(fd, entry.name);
  }
  const why = 'has another name as well: another user may have given it this one';
  throw new UntrustedError(`The file ${path}`, status.uid, why, ADVICE);
}

/**
 * Whether a file still has the name that it was opened by. The kernel tells, and not the name: one that was taken away and
 * given once more is another to it, so a file that had a second name when it was opened does not pass for one that had not.
 */
function isNamed(fd: number, name: string): boolean {
  return basename(readlinkSync(`/proc/self/fd/${fd}`)) === name;
}

/**
 * Returns when what was being done to the names of a directory is done. A file that loses its second name has one fewer a moment before the
 * kernel has that name go, both under the directory's lock, which looking for a name takes that was never looked for.
 */
function untilNamesAreSettled(directory: number): void {
  const fd = syscalls.openAt(directory, `.${randomUUID()}`, O_PATH | O_NOFOLLOW, 0);
  if (fd >= 0) closeSync(fd);
}

/** Of what has the name, which may be a link. */
function statusOf({ directory, name }: Entry): Stats | undefined {
  const fd = syscalls.openAt(directory, name, O_PATH | O_NOFOLLOW, 0);
  if (fd < 0) return undefined;
  try {
    return fstatSync(fd);
  } finally {
    closeSync(fd);
  }
}
