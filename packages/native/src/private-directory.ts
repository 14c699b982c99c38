import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { syscalls } from './addon.js';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  EACCES,
  EBUSY,
  EEXIST,
  EIO,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
} from './constants.js';
import { check, SystemCallError } from './errors.js';
import { isTrusted, UntrustedError } from './owners.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const OPEN_DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
/** Opening a FIFO does not block; `fstat` then tells that it is none of ours. */
const OPEN_FILE = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
const CREATE_FILE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const OTHERS = 0o077;
/** Of the mode of a directory: others than its owner make names in it, and only with the second remove none but their own. */
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/** Random characters at the end of a directory's name. */
const SECRET_DIGITS = 32;
const SECRET = /^[0-9a-f]{32}$/;

/** Node's calls take 2 GiB at once, and not a byte more. */
const MOST_BYTES_AT_ONCE = 1 << 30;

const ENTRY_BYTES = 32 << 10;
/** Of a `struct linux_dirent64`: the record's length and the name. */
const RECORD_LENGTH_AT = 16;
const NAME_AT = 19;

/**
 * A directory of one user's files in a place where others may make names too, such as /tmp.
 *
 * Notes.
 * - Its name ends with 128 random bits, so no other user can have made it before. It is opened without following a link, and
 *   used only when the descriptor says that it is this user's and that no other user may enter. Everything in it is
 *   named relative to that descriptor, so what others do with the path has no effect.
 * - A directory that something has removed, systemd-tmpfiles for instance, is made anew by the next file.
 * - `owner` is whose directory it is, where that is not this process's user: root finds and removes those of the user
 *   that its processes run as.
 */
export class PrivateDirectory {
  readonly path: string;
  readonly #owner: number | undefined;
  #fd: number | undefined;

  /** Makes and opens nothing yet. */
  constructor(path: string, owner?: number) {
    this.path = path;
    this.#owner = owner;
  }

  /** A name that cannot be guessed, which begins with `prefix`. */
  static newName(prefix: string): string {
    return `${prefix}${randomBytes(SECRET_DIGITS / 2).toString('hex')}`;
  }

  /** Whether `newName(prefix)` can have made a name. */
  static isName(name: string, prefix: string): boolean {
    return name.startsWith(prefix) && SECRET.test(name.slice(prefix.length));
  }

  /**
   * The path of the directory of that prefix which is this user's, or the owner's; undefined where there is none. One
   * that has such a name and belongs to another user is passed over. Throws what `readdirSync` throws of `parent`.
   */
  static find(parent: string, prefix: string, owner?: number): string | undefined {
    return PrivateDirectory.findAll(parent, prefix, owner)[0];
  }

  /** As `find`: the paths of all of them, for two processes may make one at the same time. */
  static findAll(parent: string, prefix: string, owner?: number): string[] {
    return readdirSync(parent)
      .filter((name) => PrivateDirectory.isName(name, prefix))
      .sort()
      .map((name) => join(parent, name))
      .filter((path) => new PrivateDirectory(path, owner).#isUsable());
  }

  /**
   * Whether what root or this user has made in a directory keeps its name: else others may give that name to another of
   * its directories, and what is known by its name alone may not be removed. Throws what `statSync` throws.
   */
  static keepsNames(parent: string): boolean {
    const { uid, mode } = statSync(parent);
    return isTrusted(uid) && ((mode & WRITABLE_BY_OTHERS) === 0 || (mode & STICKY) !== 0);
  }

  /** Makes it, where it is not there. Throws `UntrustedError`, `SystemCallError`. */
  make(): void {
    if (this.#open()) return;
    // Another process of this user may make it at the same time: then it is opened, and checked as any other.
    const made = syscalls.makeDirectoryAt(AT_FDCWD, this.path, DIRECTORY_MODE);
    if (made !== -EEXIST) check(made, 'mkdir', this.path);
    if (!this.#open()) throw new SystemCallError('open', ENOENT, this.path);
  }

  /** Makes a file, for this user alone, and opens it for writing; the directory too, where that is gone. */
  create(name: string): number {
    checkName(name);
    this.make();
    let fd = syscalls.openAt(this.#fd as number, name, CREATE_FILE, FILE_MODE);
    if (fd === -ENOENT) {
      // What is open has been removed.
      this.close();
      this.make();
      fd = syscalls.openAt(this.#fd as number, name, CREATE_FILE, FILE_MODE);
    }
    return check(fd, 'open', join(this.path, name));
  }

  /**
   * Opens a file for reading, which is a regular one and the owner's, or this user's or root's where there is no owner. Throws `UntrustedError` for any other,
   * and `SystemCallError`.
   */
  open(name: string): number {
    checkName(name);
    const fd = check(this.#openFile(name), 'open', join(this.path, name));
    try {
      const { uid } = this.#checked(fd, name);
      // The user that it is kept for may have given a file of root's a name in it.
      if (this.#owner === undefined ? !isTrusted(uid) : uid !== this.#owner) {
        throw new UntrustedError(
          `The file ${join(this.path, name)}`,
          uid,
          `belongs to user ${uid}`,
          'It is left alone.',
        );
      }
      return fd;
    } catch (error) {
      syscalls.close(fd);
      throw error;
    }
  }

  /** Makes a file with these bytes, as `create` does; there is none when it cannot be written whole. Throws Node's errors, too. */
  write(name: string, ...parts: readonly Uint8Array[]): void {
    const fd = this.create(name);
    try {
      for (const bytes of parts) writeAll(fd, bytes);
    } catch (error) {
      this.unlink(name);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Opens a file as `open` does, removes it, and returns what is in it: no other reader gets it, and one that dies leaves none
   * behind. `checkSize` refuses it by throwing; it is gone all the same. Throws Node's errors, too.
   */
  take(name: string, checkSize: (size: number) => void = () => {}): Buffer {
    const fd = this.open(name);
    try {
      this.unlink(name);
      const { size } = fstatSync(fd);
      checkSize(size);
      return readAll(fd, size, join(this.path, name));
    } finally {
      closeSync(fd);
    }
  }

  /** Removes a file; false when there is none. */
  unlink(name: string): boolean {
    checkName(name);
    if (!this.#open()) return false;
    const result = syscalls.unlinkAt(this.#fd as number, name, 0);
    if (result === -ENOENT) return false;
    check(result, 'unlink', join(this.path, name));
    return true;
  }

  /** The names of what is in it; none where it is not there. */
  list(): string[] {
    const names = this.#open() ? this.#list() : [];
    if (names !== undefined) return names;
    // What is open has been removed; another may have been made.
    this.close();
    return (this.#open() && this.#list()) || [];
  }

  /** Removes the files that `select` chooses; how many there were. What is no file, and what is in use, stays. */
  removeFiles(select: (name: string) => boolean = () => true): number {
    let removed = 0;
    for (const name of this.list()) {
      if (!select(name)) continue;
      const result = syscalls.unlinkAt(this.#fd as number, name, 0);
      if (result === 0) removed++;
      else if (![ENOENT, EISDIR, EBUSY].includes(-result)) check(result, 'unlink', join(this.path, name));
    }
    return removed;
  }

  /** Removes the directory unless there is something in it, and closes it; whether it is gone. */
  removeEmpty(): boolean {
    try {
      if (!this.#open()) return true;
    } finally {
      this.close();
    }
    // Whatever else has this name by now: only an empty directory can be removed so, and nothing is followed.
    const result = syscalls.unlinkAt(AT_FDCWD, this.path, AT_REMOVEDIR);
    if (result === 0 || result === -ENOENT) return true;
    if (![EEXIST, ENOTEMPTY, ENOTDIR, EBUSY].includes(-result)) check(result, 'rmdir', this.path);
    return false;
  }

  /** Removes its files, and it; idempotent. */
  remove(): void {
    this.removeFiles();
    this.removeEmpty();
  }

  /** Closes the descriptor; whatever is asked next opens it again. */
  close(): void {
    if (this.#fd === undefined) return;
    syscalls.close(this.#fd);
    this.#fd = undefined;
  }

  /** Undefined when the directory that is open has been removed. */
  #list(): string[] | undefined {
    // A descriptor of its own: each has one place in the list.
    const fd = syscalls.openAt(this.#fd as number, '.', OPEN_DIRECTORY, 0);
    if (fd === -ENOENT) return undefined;
    check(fd, 'open', this.path);
    try {
      return entries(fd, this.path);
    } finally {
      syscalls.close(fd);
    }
  }

  #openFile(name: string): number {
    if (!this.#open()) return -ENOENT;
    const fd = syscalls.openAt(this.#fd as number, name, OPEN_FILE, 0);
    if (fd !== -ENOENT) return fd;
    // The directory may have been removed, and another process may have made it anew.
    this.close();
    return this.#open() ? syscalls.openAt(this.#fd as unknown as number, name, OPEN_FILE, 0) : -ENOENT;
  }

  #checked(fd: number, name: string): { readonly uid: number } {
    const status = fstatSync(fd);
    if (status.isFile()) return status;
    throw new UntrustedError(join(this.path, name), status.uid, 'is not a regular file', 'It is left alone.');
  }

  #isUsable(): boolean {
    try {
      return this.#open();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return false;
    } finally {
      this.close();
    }
  }

  /** False when it is not there. Throws `UntrustedError` for another's. */
  #open(): boolean {
    if (this.#fd !== undefined) return true;
    const fd = syscalls.openAt(AT_FDCWD, this.path, OPEN_DIRECTORY, 0);
    if (fd === -ENOENT) return false;
    if (fd === -ELOOP || fd === -ENOTDIR) {
      throw new UntrustedError(
        this.path,
        -1,
        'is no directory: something else has been given its name',
        'Remove it, or use another place that only this user may write.',
      );
    }
    check(fd, 'open', this.path);
    try {
      this.#checkOwner(fd);
    } catch (error) {
      syscalls.close(fd);
      throw error;
    }
    this.#fd = fd;
    return true;
  }

  #checkOwner(fd: number): void {
    const { uid, mode } = fstatSync(fd);
    const advice = 'Remove it, or use another place that only this user may write.';
    // Asked anew each time: a process may become another user.
    const owner = this.#owner ?? process.geteuid?.();
    if (uid !== owner) {
      const why = `belongs to user ${uid}, and not to user ${owner}`;
      throw new UntrustedError(`The directory ${this.path}`, uid, why, advice);
    }
    if ((mode & OTHERS) !== 0) {
      const why = `can be entered or read by others (mode ${(mode & 0o777).toString(8)}, not 700)`;
      throw new UntrustedError(`The directory ${this.path}`, uid, why, advice);
    }
  }
}

/** Whether a directory is another user's, or may not even be opened. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof UntrustedError) return true;
  return error instanceof SystemCallError && [EACCES, EPERM, EROFS].includes(error.errno);
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; )
    at += writeSync(fd, bytes, at, Math.min(bytes.length - at, MOST_BYTES_AT_ONCE));
}

function readAll(fd: number, size: number, path: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let at = 0; at < size; ) {
    const read = readSync(fd, bytes, at, Math.min(size - at, MOST_BYTES_AT_ONCE), at);
    if (read === 0) throw new SystemCallError('read', EIO, path, 'It became shorter while it was read.');
    at += read;
  }
  return bytes;
}

function checkName(name: string): void {
  if (name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)) return;
  throw new SystemCallError('open', ENOENT, JSON.stringify(name), 'It is no name of a file.');
}

function entries(fd: number, path: string): string[] | undefined {
  const names: string[] = [];
  const bytes = Buffer.allocUnsafe(ENTRY_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (;;) {
    const filled = syscalls.readEntries(fd, bytes);
    if (filled === 0) return names;
    if (filled === -ENOENT) return undefined;
    check(filled, 'getdents64', path);
    for (let at = 0; at < filled; ) {
      const length = view.getUint16(at + RECORD_LENGTH_AT, true);
      const name = bytes.toString('utf8', at + NAME_AT, bytes.indexOf(0, at + NAME_AT));
      if (name !== '.' && name !== '..') names.push(name);
      at += length;
    }
  }
}
