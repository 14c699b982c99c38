import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { syscalls } from './addon.js';
import type { EncodedAddress } from './address.js';
import { AF_UNIX, EADDRINUSE, ECONNREFUSED, O_PATH } from './constants.js';
import { check, SystemCallError } from './errors.js';

/** The file that a bound unix socket leaves in the file system, told from another of the same name by its inode. */
export class SocketFile {
  readonly #path: string;
  readonly #inode: number | undefined;

  /** `path` has just been bound; a name of the abstract namespace has no file. */
  constructor(path: string) {
    this.#path = path;
    this.#inode = path.startsWith('\0') ? undefined : statusOf(path)?.ino;
  }

  get exists(): boolean {
    return this.#inode !== undefined;
  }

  /**
   * Gives the file permissions, as `chmod` does, which may be wider than what the umask leaves. By a descriptor: in a
   * directory that others may write, the name may lead to another file by now.
   */
  chmod(mode: number): void {
    const fd = openSync(this.#path, O_PATH | constants.O_NOFOLLOW);
    try {
      const status = fstatSync(fd);
      if (status.ino !== this.#inode || !status.isSocket()) throw replaced(this.#path);
      chmodSync(`/proc/self/fd/${fd}`, mode);
    } finally {
      closeSync(fd);
    }
  }

  /** Removes the file, unless it is gone or another process's by now. */
  remove(): void {
    if (this.#inode === undefined || statusOf(this.#path)?.ino !== this.#inode) return;
    unlinkSync(this.#path);
  }
}

/**
 * Binds the unix socket `fd` of `type` to `path`. The file of a socket that no process has open any more is replaced. With
 * `permissions` the file has these from its first moment, less what the umask takes, and then all of them. Throws a
 * `SystemCallError`, which names the user of a path that is taken.
 */
export function bindUnix(
  fd: number,
  path: string,
  address: EncodedAddress,
  type: number,
  permissions?: number,
): SocketFile {
  if (permissions !== undefined) fchmodSync(fd, permissions);
  let result = syscalls.bind(fd, address.bytes, address.length);
  if (result === -EADDRINUSE && removeStale(path, address, type))
    result = syscalls.bind(fd, address.bytes, address.length);
  if (result === -EADDRINUSE) throw occupied(path);
  check(result, 'bind', path.replace(/^\0/, '@'));
  const file = new SocketFile(path);
  if (permissions === undefined || !file.exists) return file;
  try {
    file.chmod(permissions);
  } catch (error) {
    file.remove();
    throw error;
  }
  return file;
}

/**
 * Removes the file of a socket that no process has open any more: its owner crashed. True when it did. What is no socket,
 * or another user's, stays: see `occupied`.
 */
function removeStale(path: string, address: EncodedAddress, type: number): boolean {
  const before = path.startsWith('\0') ? undefined : statusOf(path);
  if (!before?.isSocket() || before.uid !== process.geteuid?.()) return false;
  const probe = syscalls.socket(AF_UNIX, type, 0);
  if (probe < 0) return false;
  const result = syscalls.connect(probe, address.bytes, address.length);
  syscalls.close(probe);
  if (result !== -ECONNREFUSED || statusOf(path)?.ino !== before.ino) return false;
  unlinkSync(path);
  return true;
}

/** The error for a path of a unix socket that is taken, with its user where it is not this one. */
function occupied(path: string): SystemCallError {
  return new SystemCallError('bind', EADDRINUSE, path, adviceFor(path));
}

function adviceFor(path: string): string | undefined {
  const status = path.startsWith('\0') ? undefined : statusOf(path);
  if (status === undefined) return undefined;
  if (status.uid !== process.geteuid?.())
    return `The file belongs to user ${status.uid}, and only its own user's are replaced: remove it, or listen elsewhere`;
  if (!status.isSocket()) return 'It is no socket: remove it, or listen elsewhere';
  return undefined;
}

function replaced(path: string): SystemCallError {
  const advice = 'Another program has replaced the file: listen in a directory that only this user may write';
  return new SystemCallError('chmod', EADDRINUSE, path, advice);
}

function statusOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
