import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { TaskError } from './errors.js';

/** Directories of this package are named `millrace-tasks-NAMESPACE-PID-START`, after the process that made them. */
const PREFIX = 'millrace-tasks-';

/**
 * The files of values that are too large for a message: one directory for each pool, one file for each value, in the
 * same directory for both ways.
 *
 * Notes. Whoever reads a value removes its file first. What is left when a process dies is removed by its pool: the
 * names begin with who wrote them. What is left when a pool dies is removed by the next that uses `taskTmpdir`.
 */
export class SpillDirectory {
  readonly path: string;
  readonly #writer: string;
  #made: boolean;
  #next = 0;

  /** `writer` begins the names of files that this process makes in `path`; `made`: the directory is there already. */
  constructor(path: string, writer: string, { made = true }: { readonly made?: boolean } = {}) {
    this.path = path;
    this.#writer = writer;
    this.#made = made;
  }

  /** Makes the directory of this process in `taskTmpdir`, and removes those of the dead. Throws `ERR_MILLRACE_TASK_TMPDIR`. */
  static create(taskTmpdir: string, name: string): SpillDirectory {
    const directory = SpillDirectory.plan(taskTmpdir, name);
    directory.#make();
    return directory;
  }

  /** As {@link create}, but whoever writes the first file makes the directory. */
  static plan(taskTmpdir: string, name: string): SpillDirectory {
    checkAbsolute(taskTmpdir);
    const path = join(taskTmpdir, `${PREFIX}${identityOf(process.pid)}-${name}`);
    try {
      makeDirectory(taskTmpdir);
      sweep(taskTmpdir);
    } catch (error) {
      throw unusable(path, error);
    }
    return new SpillDirectory(path, 'pool', { made: false });
  }

  /**
   * The directory of a queue that outlives its users, with the files of what may still be in it; whoever writes the first
   * file makes it. `writer` is to be nobody's of before. Throws `ERR_MILLRACE_TASK_TMPDIR`.
   */
  static planShared(taskTmpdir: string, title: string, writer: string): SpillDirectory {
    checkAbsolute(taskTmpdir);
    const path = join(taskTmpdir, `${PREFIX}queue-${title}`);
    try {
      makeDirectory(taskTmpdir);
      sweep(taskTmpdir);
    } catch (error) {
      throw unusable(path, error);
    }
    return new SpillDirectory(path, writer, { made: false });
  }

  /** Writes `bytes[start, end)` to a file of its own; returns its path. Throws `ERR_MILLRACE_TASK_TMPDIR`. */
  write(bytes: Uint8Array, start: number, end: number): string {
    this.#make();
    const path = join(this.path, `${this.#writer}-${this.#next++}`);
    let fd: number | undefined;
    try {
      fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      for (let at = start; at < end; ) at += writeSync(fd, bytes, at, end - at);
    } catch (error) {
      removeFile(path);
      throw unusable(this.path, error);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
    return path;
  }

  /** Throws `ERR_MILLRACE_TASK_TMPDIR` where this process may write no file. */
  assertWritable(): void {
    try {
      accessSync(existsSync(this.path) ? this.path : dirname(this.path), constants.W_OK | constants.X_OK);
    } catch (error) {
      throw unusable(this.path, error);
    }
  }

  #make(): void {
    if (this.#made) return;
    try {
      mkdirSync(this.path, { mode: 0o700 });
    } catch (error) {
      // Another process of ours has made it in between.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(this.path, error);
    }
    this.#made = true;
  }

  /** Removes what `writer`, which is dead, has left. */
  removeOf(writer: string): void {
    let names: string[];
    try {
      names = readdirSync(this.path);
    } catch (error) {
      // Somebody has removed the directory: then nothing is left in it.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw unusable(this.path, error);
    }
    for (const name of names) if (name.startsWith(`${writer}-`)) removeFile(join(this.path, name));
  }

  /** Removes the directory, unless there is something in it. */
  removeEmpty(): void {
    try {
      rmdirSync(this.path);
    } catch (error) {
      if (!['ENOENT', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }

  /** Removes the directory and whatever is in it; idempotent. */
  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Throws `ERR_MILLRACE_TASK_TMPDIR` for a file that is not in `directory`, or below it. */
export function checkWithin(path: string, directory: string): void {
  if (path === resolve(path) && path.startsWith(`${resolve(directory)}/`)) return;
  throw new TaskError(
    'ERR_MILLRACE_TASK_TMPDIR',
    `A message names the file '${path}', which is not in ${directory} (taskTmpdir); it is left alone.`,
  );
}

/** Reads a file and removes it before anybody sees what was in it. Throws `ERR_MILLRACE_TASK_TMPDIR`. */
export function takeFile(path: string): Buffer {
  try {
    const bytes = readFileSync(path);
    unlinkSync(path);
    return bytes;
  } catch (error) {
    throw new TaskError(
      'ERR_MILLRACE_TASK_TMPDIR',
      `The file ${path} with a large value cannot be read: ${(error as Error).message}. ` +
        'Something else has removed it; let nothing clean taskTmpdir while the pool runs.',
      { cause: error },
    );
  }
}

/** Removes a file that may be gone already. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function checkAbsolute(taskTmpdir: string): void {
  if (isAbsolute(taskTmpdir)) return;
  throw new TaskError('ERR_MILLRACE_TASK_OPTION', `taskTmpdir must be absolute, '${taskTmpdir}' is not.`);
}

/** Makes a directory and those above it. (Node's own `recursive` never returns where the kernel takes none, as in /proc.) */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process has made it in between.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Removes the directories of dead processes. Those of another PID namespace are nothing that can be judged from here. */
function sweep(taskTmpdir: string): void {
  const here = `${PREFIX}${namespace()}-`;
  for (const name of readdirSync(taskTmpdir)) {
    if (!name.startsWith(here)) continue;
    const [pid, start] = name.slice(here.length).split('-');
    if (startTime(Number(pid)) !== start) removeDead(join(taskTmpdir, name));
  }
}

/** That of another user is left to him, or to root: nobody is kept from starting by it. */
function removeDead(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Names a process among all that ever ran here: a pid alone is used again. */
function identityOf(pid: number): string {
  return `${namespace()}-${pid}-${startTime(pid)}`;
}

function namespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
}

/** Clock ticks from the machine's start to the process's; undefined when there is no such process. */
function startTime(pid: number): string | undefined {
  const file = `/proc/${pid}/stat`;
  if (!Number.isSafeInteger(pid) || !existsSync(file)) return undefined;
  try {
    const text = readFileSync(file, 'utf8');
    // The command, in brackets, may hold spaces; the start is the 20th field after it.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    // It ended in between.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function unusable(path: string, error: unknown): TaskError {
  const { code, message } = error as NodeJS.ErrnoException;
  const advice =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'Make room there, or set taskTmpdir to a larger file system.'
      : code === 'ENOENT'
        ? 'Something has removed it while the pool ran.'
        : 'Set taskTmpdir to a directory that this user may write.';
  return new TaskError(
    'ERR_MILLRACE_TASK_TMPDIR',
    `${path}, for large values, cannot be used: ${message}. ${advice}`,
    { cause: error },
  );
}
