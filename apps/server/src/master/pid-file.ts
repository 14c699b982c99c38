import { closeSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { ServerError } from '../errors.js';

/** Milliseconds that the clocks of files and processes may differ. */
const CLOCK_SLACK_MS = 1_000;
/** Of /proc/pid/stat; Linux shows times to user space in hundredths of a second, whatever its own clock is. */
const TICKS_PER_SECOND = 100;

/**
 * A file with the master's pid. It is made where there is none; one that a killed server has left is told by its pid,
 * which is nobody's, or that of a process which is younger than the file.
 */
export class PidFile {
  readonly #path: string;
  #made = false;

  constructor(path: string) {
    // The working directory may be another one by the time that it is removed.
    this.#path = resolve(path);
  }

  /** Throws `ERR_MILLRACE_PID_FILE` when the server of the file still runs, or it cannot be written. */
  make(): void {
    try {
      this.#write();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw this.#cannot(error);
      const pid = this.#runningPid();
      if (pid !== undefined) {
        const message = `Process ${pid}, of pidFile '${this.#path}', still runs: stop it first (kill ${pid}), or name another pidFile.`;
        throw new ServerError('ERR_MILLRACE_PID_FILE', message);
      }
      try {
        unlinkSync(this.#path);
        this.#write();
      } catch (cause) {
        throw this.#cannot(cause);
      }
    }
    this.#made = true;
  }

  /** Removes it, where it is this process's. */
  remove(): void {
    if (!this.#made) return;
    this.#made = false;
    if (this.#pid() === process.pid) unlinkSync(this.#path);
  }

  #write(): void {
    const fd = openSync(this.#path, 'wx', 0o644);
    try {
      writeSync(fd, `${process.pid}\n`);
    } finally {
      closeSync(fd);
    }
  }

  /** The pid of the server that made the file, if that runs. */
  #runningPid(): number | undefined {
    const pid = this.#pid();
    if (pid === undefined || pid === process.pid) return undefined;
    const startedAt = startOf(pid);
    if (startedAt === undefined) return undefined;
    return startedAt <= statSync(this.#path).mtimeMs + CLOCK_SLACK_MS ? pid : undefined;
  }

  /** What it says; undefined when it is gone, or holds no pid. */
  #pid(): number | undefined {
    try {
      const pid = Number(readFileSync(this.#path, 'utf8'));
      return Number.isInteger(pid) && pid > 0 ? pid : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #cannot(cause: unknown): ServerError {
    const message = `The pidFile '${this.#path}' cannot be written: ${(cause as Error).message}`;
    return new ServerError('ERR_MILLRACE_PID_FILE', message, { cause });
  }
}

/** When a process has started, in milliseconds since 1970; undefined when there is none, or a zombie. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // What follows the name, which may hold anything: the state first, the start as the 20th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    const [uptime] = readFileSync('/proc/uptime', 'utf8').split(' ');
    return Date.now() - (Number(uptime) - Number(fields[19]) / TICKS_PER_SECOND) * 1_000;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
