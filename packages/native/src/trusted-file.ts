import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { assertTrusted, type TrustedUsers } from './owners.js';

const { O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
const ADVICE = 'Remove it, or name a file in a directory that only this user may write.';

export interface AppendOptions {
  /** Default: for writing at the end, made where it is not there, without waiting for a reader where it is a FIFO. */
  readonly flags?: number;
  /** Of a file that is made, less the umask. Default 0o666. */
  readonly mode?: number;
  /** Users, besides root and this process's, whose file or link it may be. Default: none. */
  readonly trustedUsers?: TrustedUsers;
}

/**
 * Opens a file that output is added to, and makes it where there is none; returns its descriptor. A link is followed,
 * and a file taken, when it is root's, this user's or a trusted user's: anybody may have made them first in a
 * directory that all may write. Devices and terminals are taken as they are. Throws `UntrustedError`, or what
 * `openSync` throws.
 */
export function openForAppending(
  path: string,
  {
    flags = O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK,
    mode = 0o666,
    trustedUsers,
  }: AppendOptions = {},
): number {
  const fd = openAny(path, flags, mode, trustedUsers);
  try {
    const status = fstatSync(fd);
    if (!status.isCharacterDevice()) assertTrusted(`The file ${path}`, status.uid, trustedUsers, ADVICE);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openAny(path: string, flags: number, mode: number, trusted: TrustedUsers | undefined): number {
  try {
    return openUnlinked(path, flags, mode) ?? openLinked(path, flags, mode, trusted);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The kernel may refuse by itself (fs.protected_regular, fs.protected_symlinks), and does not say whose it is.
    const status = code === 'EACCES' ? lstatSync(path, { throwIfNoEntry: false }) : undefined;
    if (status !== undefined) assertTrusted(path, status.uid, trusted, ADVICE);
    throw error;
  }
}

/** Undefined for a link. */
function openUnlinked(path: string, flags: number, mode: number): number | undefined {
  try {
    return openSync(path, flags | O_NOFOLLOW, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') return undefined;
    throw error;
  }
}

function openLinked(path: string, flags: number, mode: number, trusted: TrustedUsers | undefined): number {
  assertTrusted(`The link ${path}`, lstatSync(path).uid, trusted, ADVICE);
  return openSync(path, flags, mode);
}
