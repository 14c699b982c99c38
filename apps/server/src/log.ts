import { createRequire } from 'node:module';
import { type Logger, pino } from 'pino';
import type { PinoPretty } from 'pino-pretty';
import { LOG_LINES_PER_SECOND } from './constants.js';
import type { LogLevel } from './options.js';

export type { Logger };

/**
 * The log of one process: JSON lines in `file` or on standard output, or readable ones where that is a terminal. Written
 * at once, so that the last line of a dying process is there. Throws what the system says of a file that cannot be opened.
 */
export function createLog(level: LogLevel, who: string, file: string | undefined): ReopenableLog {
  const options = { level, base: { pid: process.pid, who } };
  if (file !== undefined) {
    const destination = pino.destination({ dest: file, sync: true, append: true });
    const log = pino(options, destination);
    const failed = (error: unknown) =>
      process.stderr.write(`The log file '${file}': ${(error as Error).message}\n`);
    destination.on('error', failed);
    const reopen = () => {
      try {
        destination.reopen();
      } catch (error) {
        // It goes on in the file that it has.
        failed(error);
      }
    };
    return { log, reopen };
  }
  const reopen = () => {};
  if (!process.stdout.isTTY) return { log: pino(options, pino.destination({ fd: 1, sync: true })), reopen };
  // Of use on a terminal alone, and a tenth of what a process takes to start.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  const stream = pretty({
    sync: true,
    ignore: 'pid,who',
    messageFormat: '{who}: {msg}',
    translateTime: 'HH:MM:ss.l',
  });
  return { log: pino(options, stream), reopen };
}

export interface ReopenableLog {
  readonly log: Logger;
  /** Opens the file anew, which has been moved away, say. */
  readonly reopen: () => void;
}

/** Lets a few lines of each kind through in a second and counts the others, so that clients cannot fill a disk. */
export class LogLimit {
  readonly #log: Logger;
  readonly #kinds = new Map<string, { since: number; lines: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  warn(kind: string, message: string, details: object = {}): void {
    const now = performance.now();
    let seen = this.#kinds.get(kind);
    if (seen === undefined || now - seen.since >= 1_000) {
      const suppressed = seen === undefined ? 0 : Math.max(0, seen.lines - LOG_LINES_PER_SECOND);
      if (suppressed > 0)
        this.#log.warn({ kind, suppressed }, `${suppressed} more lines of this kind were not written`);
      seen = { since: now, lines: 0 };
      this.#kinds.set(kind, seen);
    }
    if (++seen.lines <= LOG_LINES_PER_SECOND) this.#log.warn({ kind, ...details }, message);
  }
}
