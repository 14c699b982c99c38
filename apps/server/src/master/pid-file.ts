import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UntrustedError } from '@millrace/native';
import { assertTrusted, isTrusted } from '@millrace/native/internal';
import { ServerError } from '../errors.js';

/** Milliseconds that the clocks of files and processes may differ. */
const CLOCK_SLACK_MS = 1_000;
/** Of /proc/pid/stat; Linux shows times to user space in hundredths of a second, whatever its own clock is. */
const TICKS_PER_SECOND = 100;

/** Of the digits of a pid and what may stand beside them. */
const PID_BYTES = 32;

/** The server of a pid file still runs. */
export class PidFileTakenError extends ServerError {
  readonly pid: number;

  constructor(path: string, pid: number) {
    super(
      'ERR_MILLRACE_PID_FILE',
      `Process ${pid}, of pidFile '${path}', still runs: stop it first (kill ${pid}), or name another pidFile.`,
    );
    this.pid = pid;
  }
}

/** What a pid file says, and which it is. */
interface Looked {
  readonly identity: string;
  /** No integer where it holds no pid. */
  readonly pid: number;
  readonly writtenAt: number;
}

/**
 * A file with the master's pid, which the master keeps open as long as it runs. By that a running server is told from one
 * that was killed and whose pid is another process's by now: no clock is asked, for a step of the wall clock would make the
 * file older, or younger, than its server.
 */
export class PidFile {
  readonly #path: string;
  #fd: number | undefined;

  constructor(path: string) {
    // The working directory may be another one by the time that it is removed.
    this.#path = resolve(path);
  }

  /** Throws `ERR_MILLRACE_PID_FILE` when the server of the file still runs, or it cannot be written. */
  make(): void {
    // With its contents from the first moment on: an empty one would belong to no server.
    const own = `${this.#path}.${randomBytes(6).toString('hex')}`;
    try {
      this.#fd = openSync(own, 'wx', 0o644);
      writeSync(this.#fd, `${process.pid}\n`);
      while (!this.#linked(own)) this.#removeStale();
    } catch (error) {
      this.#close();
      throw error instanceof ServerError ? error : this.#cannot(error);
    } finally {
      removeIfThere(own);
    }
  }

  /** Removes it, where it is this process's. Throws what the system says; the next start finds out that it is stale. */
  remove(): void {
    if (this.#fd === undefined) return;
    const isOwn = identityOf(this.#path) === identityOf(this.#fd);
    this.#close();
    if (isOwn) removeIfThere(this.#path);
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Whether the file has its name now; false when there is one of that name. */
  #linked(own: string): boolean {
    try {
      linkSync(own, this.#path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }

  /** Throws when the server of the file still runs. */
  #removeStale(): void {
    const looked = this.#look();
    if (looked === undefined) return;
    const pid = runningPid(looked);
    if (pid !== undefined) throw new PidFileTakenError(this.#path, pid);
    // Another server that starts now may have put its own there since: what is taken away is looked at once more.
    const taken = `${this.#path}.${randomBytes(6).toString('hex')}`;
    try {
      renameSync(this.#path, taken);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    if (identityOf(taken) !== looked.identity) this.#linked(taken);
    removeIfThere(taken);
  }

  /**
   * What the file of that name says; undefined when there is none. Any user may have made it where others may write, and may
   * put another there at any time: it is opened without following a link or waiting for a FIFO, and what is no regular
   * file, or another user's, is neither read nor removed.
   */
  #look(): Looked | undefined {
    const status = lstatSync(this.#path, { throwIfNoEntry: false });
    if (status === undefined) return undefined;
    // Before it is opened, which may do something to a device.
    this.#assertOwn(status);
    let fd: number;
    try {
      fd = openSync(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      // It is another by now.
      if (isGone(error) || (error as NodeJS.ErrnoException).code === 'ELOOP') return this.#look();
      throw error;
    }
    try {
      const opened = fstatSync(fd);
      this.#assertOwn(opened);
      const bytes = Buffer.alloc(PID_BYTES);
      const pid = Number(bytes.toString('latin1', 0, readSync(fd, bytes, 0, PID_BYTES, 0)));
      return { identity: `${opened.dev} ${opened.ino}`, pid, writtenAt: opened.mtimeMs };
    } finally {
      closeSync(fd);
    }
  }

  #assertOwn(status: Stats): void {
    const advice = 'Remove it, or name another pidFile.';
    const object = `The pidFile '${this.#path}'`;
    if (!status.isFile())
      throw this.#cannot(new UntrustedError(object, status.uid, 'is not a regular file', advice));
    try {
      assertTrusted(object, status.uid, undefined, advice);
    } catch (error) {
      throw this.#cannot(error);
    }
  }

  #cannot(cause: unknown): ServerError {
    const advice =
      (cause as NodeJS.ErrnoException).code === 'ENOENT'
        ? `: there is no directory ${dirname(this.#path)}. Make it first, or name another pidFile.`
        : `: ${(cause as Error).message}`;
    const message = `The pidFile '${this.#path}' cannot be written${advice}`;
    return new ServerError('ERR_MILLRACE_PID_FILE', message, { cause });
  }
}

/** The pid of the process whose file it is, if that runs. */
function runningPid({ pid, identity, writtenAt }: Looked): number | undefined {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  const user = userOf(pid);
  // A process of any user may have the pid by now, and the file open: one that may not write it has no server by it.
  if (user !== undefined && !isTrusted(user)) return undefined;
  const isOpen = holdsOpen(pid, identity);
  if (isOpen === true) return pid;
  const startedAt = startOf(pid);
  if (startedAt === undefined) return undefined;
  // Another user's: there is no way to tell.
  if (isOpen === undefined) return pid;
  // It is no server of this kind. A program that was there before the file may have written it.
  return startedAt <= writtenAt + CLOCK_SLACK_MS ? pid : undefined;
}

/** The user that a process runs as; undefined when it is gone, or not shown. */
function userOf(pid: number): number | undefined {
  try {
    const [, user] = /^Uid:\t\d+\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return user === undefined ? undefined : Number(user);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (isGone(error) || code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** The same for two names, or a name and a descriptor, of one file alone; undefined where there is none. */
function identityOf(file: string | number): string | undefined {
  try {
    const { dev, ino } = typeof file === 'number' ? fstatSync(file) : statSync(file);
    return `${dev} ${ino}`;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Whether that process has the file open; undefined when this one may not know. */
function holdsOpen(pid: number, identity: string): boolean | undefined {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).some((fd) => identityOf(`${directory}/${fd}`) === identity);
  } catch (error) {
    if (isGone(error)) return false;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}

/** When a process has started, in milliseconds since 1970 as the wall clock is now; undefined when there is none, or a zombie. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // What follows the name, which may hold anything: the state first, the start as the 20th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    const [uptime] = readFileSync('/proc/uptime', 'utf8').split(' ');
    return Date.now() - (Number(uptime) - Number(fields[19]) / TICKS_PER_SECOND) * 1_000;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ESRCH';
}
