import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { LOG_LINES_PER_SECOND } from './constants.js';
import type { LogLevel } from './options.js';

export type { Logger };

/**
 * The log of one process: JSON lines on standard output, or readable ones where that is a terminal. Written at once,
 * so that the last line of a dying process is there.
 */
export function createLog(level: LogLevel, who: string): Logger {
  const options = { level, base: { pid: process.pid, who } };
  if (!process.stdout.isTTY) return pino(options, pino.destination({ fd: 1, sync: true }));
  const stream = pretty({
    sync: true,
    ignore: 'pid,who',
    messageFormat: '{who}: {msg}',
    translateTime: 'HH:MM:ss.l',
  });
  return pino(options, stream);
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
