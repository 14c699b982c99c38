import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { isatty } from 'node:tty';
import { SystemCallError, UntrustedError } from '@millrace/native';
import { openForAppending } from '@millrace/native/internal';
import { EACCES, EAGAIN, EBADF, EINTR, syscalls } from '@millrace/native/syscalls';
import { LOG_BACKLOG_BYTES, LOG_RETRY_MS } from '../constants.js';

export interface LogOutputEvents {
  /** What a descriptor is, in words. */
  readonly name?: string;
  /** Users, besides root and this process's, whose file it may be: see `openForAppending` of @millrace/native. */
  readonly trustedUsers?: readonly number[] | undefined;
  /** So many lines could not be written, and are dropped. */
  onLost: (lines: number, reason: SystemCallError) => void;
  /** The first line since then has been written; `lines` are missing before it. */
  onRecovered: (lines: number) => void;
}

const NEW_LINE = Buffer.from('\n');
const { O_APPEND, O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants;
/** Milliseconds until a file that could not be opened is tried again. */
const OPEN_AGAIN_MS = 1_000;

/**
 * Where the lines of a log go: a file, or a descriptor that this process was started with. `write` writes at once, so that
 * the last line of a dying process is there. It neither blocks nor throws: lines for a pipe that is not read wait up to
 * `LOG_BACKLOG_BYTES`, and what is beyond that, or cannot be written for another reason, is dropped and told of.
 */
export class LogOutput {
  readonly #target: number | string;
  readonly #events: LogOutputEvents;
  #open: () => number;
  #fd = -1;
  /** A call that writes as much as there is room for. */
  #send: typeof syscalls.write = syscalls.write;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #retry: NodeJS.Timeout | undefined;
  #flushesAtExit = false;
  /** What waits first is the rest of a line. */
  #inLine = false;
  /** The last line was written in part, and its rest is lost. */
  #isCut = false;
  #openError = -EBADF;
  #triedAt = Number.NEGATIVE_INFINITY;
  /** Lines since the last one that was written. */
  #lost = 0;

  /** `target` is a descriptor, or a file's path, which {@link reopen} opens, or else the first line does. */
  constructor(target: number | string, events: LogOutputEvents) {
    this.#target = target;
    this.#events = events;
    const { trustedUsers } = events;
    this.#open = () => openForAppending(target as string, trustedUsers && { trustedUsers });
    if (typeof target === 'number') this.#use(target);
  }

  /** Where it writes, in words. */
  get name(): string {
    if (typeof this.#target === 'string') return this.#target;
    return this.#events.name ?? `descriptor ${this.#target}`;
  }

  /** The descriptor that it writes to; -1 where the file could not be opened yet. */
  get fd(): number {
    return this.#fd;
  }

  /** From now on `open` opens the file, which this process may not open by its path. */
  openBy(open: () => number): void {
    this.#open = open;
  }

  get isFile(): boolean {
    return typeof this.#target === 'string';
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waiting.length > 0 && this.#waitingBytes + bytes.length > LOG_BACKLOG_BYTES) {
      this.flush();
      // Its reader has not caught up.
      if (this.#waitingBytes + bytes.length > LOG_BACKLOG_BYTES) return this.#lose(1, EAGAIN);
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.flush();
  }

  /** Whether lines wait for the reader of a pipe. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Writes what waits, as far as there is room for it. */
  readonly flush = (): void => {
    let lost = 0;
    let reason = 0;
    for (let line = this.#waiting[0]; line !== undefined; line = this.#waiting[0]) {
      const written = this.#put(line);
      if (written === -EINTR) continue;
      if (written === -EAGAIN || written === 0) break;
      if (written > 0) this.#waitingBytes -= written;
      if (written > 0 && written < line.length) {
        this.#waiting[0] = line.subarray(written);
        this.#inLine = true;
        continue;
      }
      this.#waiting.shift();
      if (written > 0) {
        this.#inLine = false;
        this.#written();
        continue;
      }
      this.#waitingBytes -= line.length;
      // What comes next begins a line of its own.
      this.#isCut ||= this.#inLine;
      this.#inLine = false;
      lost++;
      reason = -written;
    }
    if (this.#waiting.length > 0) this.#tryLater();
    if (lost > 0) this.#lose(lost, reason);
  };

  /**
   * Opens the file, which may have been moved away. Throws what the system says, and goes on in the file that it has. A
   * descriptor that it was given stays.
   */
  reopen(): void {
    if (typeof this.#target === 'number') return;
    this.#triedAt = performance.now();
    const fd = this.#open();
    const before = this.#fd;
    if (before !== -1) this.flush();
    this.#use(fd);
    this.#isCut = this.#inLine = false;
    if (before !== -1) closeSync(before);
  }

  /** The bytes of `line` that there was room for, or a negated errno. */
  #put(line: Buffer): number {
    if (this.#fd === -1) {
      const errno = this.#tryToOpen();
      if (errno !== 0) return errno;
    }
    if (this.#isCut && !this.#inLine) {
      const written = this.#send(this.#fd, NEW_LINE, 0, 1);
      if (written < 0) return written;
      this.#isCut = false;
    }
    return this.#send(this.#fd, line, 0, line.length);
  }

  /** A file that could not be opened may be there by now. Returns 0, or the negated errno of the last attempt. */
  #tryToOpen(): number {
    if (performance.now() - this.#triedAt < OPEN_AGAIN_MS) return this.#openError;
    try {
      this.reopen();
      return 0;
    } catch (error) {
      this.#openError =
        error instanceof UntrustedError
          ? -EACCES
          : -Math.abs((error as NodeJS.ErrnoException).errno ?? EBADF);
      return this.#openError;
    }
  }

  #written(): void {
    if (this.#lost === 0) return;
    const lines = this.#lost;
    this.#lost = 0;
    this.#events.onRecovered(lines);
  }

  #lose(lines: number, errno: number): void {
    this.#lost += lines;
    this.#events.onLost(lines, new SystemCallError('write', errno, this.name));
  }

  /** A pipe does not tell this process that it is read again. */
  #tryLater(): void {
    if (!this.#flushesAtExit) process.on('exit', this.flush);
    this.#flushesAtExit = true;
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.flush();
    }, LOG_RETRY_MS).unref();
  }

  #use(fd: number): void {
    this.#fd = fd;
    this.#send = syscalls.write;
    let kind: Stats;
    try {
      kind = fstatSync(fd);
    } catch {
      // Closed, or not to be looked at: the first line tells.
      return;
    }
    if (kind.isSocket()) this.#send = syscalls.send;
    else if (typeof this.#target === 'number' && (kind.isFIFO() || isatty(fd)))
      this.#fd = unblocked(fd, kind);
  }
}

/**
 * A descriptor for the same pipe or terminal whose writes do not wait. The program that started this one may write to the same
 * open file as well: it is opened once more, so that nothing changes for them.
 */
function unblocked(fd: number, kind: Stats): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK);
  } catch {
    // Another user's, or no /proc. Node itself does this with a pipe, at the first use of process.stdout.
    if (kind.isFIFO()) syscalls.setNonBlocking(fd, 1);
    return fd;
  }
}
