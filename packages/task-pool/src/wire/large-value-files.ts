import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { livenessOf, SystemCallError, UntrustedError } from '@millrace/native';
import { isRefusal, PrivateDirectory, processTag, taggedProcess } from '@millrace/native/internal';
import { TaskError } from '../errors.js';

/** Directories of this package are named `millrace-tasks-NAMESPACE-PID-START-NAME-SECRET`, after the process that created them. */
const PREFIX = 'millrace-tasks-';
/** Those of queues, which outlive their users: `millrace-tasks-queue-TITLE-SECRET`. */
const QUEUE_PREFIX = `${PREFIX}queue-`;
/** Names of the files of values: the writer, and a number. */
const VALUE = /^[a-z]+(?:-[0-9a-f]+)+$/;
/** `taskTmpdir`, where it is missing. */
const PARENT_MODE = 0o755;

/** A file with a value that has been sent. */
export interface LargeValueFile {
  readonly name: string;
  /** Removes it, if it has not been read. */
  remove(): void;
}

/**
 * The files of values that are too large for a message: one directory for each pool, one file for each value or result.
 *
 * Notes.
 * - Other users may write to `taskTmpdir`, so the directory belongs to this user alone, and its files are
 *   opened relative to its descriptor (PrivateDirectory of @millrace/native). Messages name a file in it, and nothing
 *   else can be named.
 * - The reader of a value removes its file first. Files of a dead worker are removed by its pool: their names begin with the
 *   writer. Files of a dead pool are removed by the next pool that uses `taskTmpdir`.
 */
export class LargeValueFiles {
  readonly #directory: PrivateDirectory;
  readonly #writer: string;
  #next = 0;

  /**
   * `writer` begins the names of files that this process makes in `path`. `owner`: whose directory it is, where that is
   * not this process's user.
   */
  constructor(path: string, writer: string, owner?: number) {
    this.#directory = new PrivateDirectory(path, owner);
    this.#writer = writer;
  }

  get path(): string {
    return this.#directory.path;
  }

  /** Makes the directory of this process in `taskTmpdir`, and removes those of the dead. Throws `ERR_MILLRACE_TASK_TMPDIR`. */
  static create(taskTmpdir: string, name: string): LargeValueFiles {
    const directory = LargeValueFiles.plan(taskTmpdir, name);
    directory.make();
    return directory;
  }

  /** As {@link create}, but another process makes the directory, with `make`; it is to be `owner`'s. */
  static plan(taskTmpdir: string, name: string, owner?: number): LargeValueFiles {
    return prepared(taskTmpdir, owner, () => {
      const own = PrivateDirectory.newName(`${PREFIX}${processTag()}-${name}-`);
      return new LargeValueFiles(join(taskTmpdir, own), 'pool', owner);
    });
  }

  /**
   * The directory of a queue that outlives its users, with the files of what may still be in it: that of `owner` (this
   * user) in `taskTmpdir`, or a new one, which `make` makes. No earlier process may have used `writer`. Throws
   * `ERR_MILLRACE_TASK_TMPDIR`.
   */
  static planShared(taskTmpdir: string, title: string, writer: string, owner?: number): LargeValueFiles {
    const prefix = `${QUEUE_PREFIX}${title}-`;
    return prepared(taskTmpdir, owner, () => {
      const found = PrivateDirectory.find(taskTmpdir, prefix, owner);
      const path = found ?? join(taskTmpdir, PrivateDirectory.newName(prefix));
      return new LargeValueFiles(path, writer, owner);
    });
  }

  /** Makes the directory, where it is not there. Throws `ERR_MILLRACE_TASK_TMPDIR` for what is another's, too. */
  make(): void {
    try {
      this.#directory.make();
    } catch (error) {
      throw unusable(this.path, error);
    }
  }

  /** Writes `bytes[start, end)` to a file of its own. Throws `ERR_MILLRACE_TASK_TMPDIR`. */
  write(bytes: Uint8Array, start: number, end: number): LargeValueFile {
    const name = `${this.#writer}-${this.#next++}`;
    try {
      this.#directory.write(name, bytes.subarray(start, end));
    } catch (error) {
      throw unusable(this.path, error);
    }
    return { name, remove: () => void this.#directory.unlink(name) };
  }

  /**
   * Reads a file that a message names, by its name or by its path, and removes it before its contents are used.
   * Throws `ERR_MILLRACE_TASK_TMPDIR` for any that is not in this directory, not a regular file, or another user's.
   */
  take(named: string): Buffer {
    const name = basename(named);
    if (named !== name && named !== join(this.path, name)) {
      const message = `A message names the file '${named}', which is not in ${this.path}; the file is not touched.`;
      throw new TaskError('ERR_MILLRACE_TASK_TMPDIR', message);
    }
    try {
      return this.#directory.take(name);
    } catch (error) {
      const advice =
        error instanceof UntrustedError
          ? ''
          : ' Something else has removed it; keep cleaners of temporary files away from taskTmpdir while the pool runs.';
      throw new TaskError(
        'ERR_MILLRACE_TASK_TMPDIR',
        `The file '${name}' in ${this.path} with a large value cannot be read: ${(error as Error).message}.${advice}`,
        { cause: error },
      );
    }
  }

  /** Removes the files that the dead process `writer` has left. */
  removeOf(writer: string): void {
    try {
      this.#directory.removeFiles((name) => name.startsWith(`${writer}-`));
    } catch (error) {
      throw unusable(this.path, error);
    }
  }

  /** Removes the directory, unless there is something in it. */
  removeEmpty(): void {
    this.#unlessTaken(() => this.#directory.removeEmpty());
  }

  /** Removes the directory and its files; idempotent. */
  remove(): void {
    this.#unlessTaken(() => this.#directory.remove());
  }

  /** Closes its descriptor; the next call opens it again. */
  close(): void {
    this.#directory.close();
  }

  /** A directory of this name that belongs to another user by now is left alone. */
  #unlessTaken(remove: () => void): void {
    try {
      remove();
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
}

/** Creates `taskTmpdir`, removes the directories of dead processes, and returns the result of `plan`. */
function prepared(
  taskTmpdir: string,
  owner: number | undefined,
  plan: () => LargeValueFiles,
): LargeValueFiles {
  if (!isAbsolute(taskTmpdir))
    throw new TaskError('ERR_MILLRACE_TASK_OPTION', `taskTmpdir must be absolute, '${taskTmpdir}' is not.`);
  try {
    makeDirectory(taskTmpdir);
    sweep(taskTmpdir, owner);
    return plan();
  } catch (error) {
    throw unusable(taskTmpdir, error);
  }
}

/** Makes a directory and those above it. (Node's own `recursive` never returns where the kernel takes none, as in /proc.) */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: PARENT_MODE });
  } catch (error) {
    // Another process has made it in between.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Removes the directories of dead processes that belong to this user, or to `owner`. Directories of another PID namespace stay:
 * their processes are not visible here. Where other users may rename this user's directories, none of its own is removed: it
 * might be any of them.
 */
function sweep(taskTmpdir: string, owner: number | undefined): void {
  const users: (number | undefined)[] = PrivateDirectory.keepsNames(taskTmpdir) ? [undefined] : [];
  if (owner !== undefined) users.push(owner);
  for (const name of readdirSync(taskTmpdir)) {
    const maker = name.startsWith(PREFIX) ? taggedProcess(name.slice(PREFIX.length)) : undefined;
    if (maker === undefined || livenessOf(maker) !== 'dead') continue;
    for (const user of users) removeDead(join(taskTmpdir, name), user);
  }
}

/** A directory of another user is left alone, and is no reason not to start. */
function removeDead(path: string, owner: number | undefined): void {
  const directory = new PrivateDirectory(path, owner);
  try {
    directory.removeFiles((name) => VALUE.test(name));
    directory.removeEmpty();
  } catch (error) {
    if (!isRefusal(error)) throw error;
  } finally {
    directory.close();
  }
}

function unusable(path: string, error: unknown): TaskError {
  const message = `${path}, for large values, cannot be used: ${(error as Error).message}. ${adviceFor(error)}`;
  return new TaskError('ERR_MILLRACE_TASK_TMPDIR', message.trimEnd(), { cause: error });
}

function adviceFor(error: unknown): string {
  // Its own message says what to do.
  if (error instanceof UntrustedError) return '';
  const code = error instanceof SystemCallError ? error.errnoName : (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return 'Make room there, or set taskTmpdir to a larger file system.';
  if (code === 'ENOENT') return 'Something has removed it while the pool ran.';
  return 'Set taskTmpdir to a directory that this user may write.';
}
