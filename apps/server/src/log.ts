import { createRequire } from 'node:module';
import type * as Pino from 'pino';
import type { Logger, LoggerOptions } from 'pino';
import type { PinoPretty } from 'pino-pretty';
import { LOG_LINES_PER_SECOND } from './constants.js';
import type { LogLevel } from './options.js';

export type { Logger };

const require = createRequire(import.meta.url);

/**
 * The log of one process: JSON lines in `file` or on standard output, or readable ones where that is a terminal. Written
 * at once, so that the last line of a dying process is there. Throws what the system says of a file that cannot be opened.
 */
export function createLog(level: LogLevel, who: string, file: string | undefined): ReopenableLog {
  const options = { level, base: { pid: process.pid, who } };
  return file === undefined ? new StandardLog(options) : logTo(file, options);
}

export interface ReopenableLog {
  readonly log: Logger;
  /** Loads what it needs, which is otherwise done for the first line. */
  readonly load: () => void;
  /** Opens the file anew, which has been moved away, say. */
  readonly reopen: () => void;
}

/** Made for its first line: most processes have nothing to say, and pino is a fifth of what they load. */
class StandardLog implements ReopenableLog {
  readonly #options: LoggerOptions;
  #log: Logger | undefined;

  constructor(options: LoggerOptions) {
    this.#options = options;
  }

  get log(): Logger {
    this.#log ??= this.#open();
    return this.#log;
  }

  load(): void {
    this.#log ??= this.#open();
  }

  reopen(): void {}

  #open(): Logger {
    const { pino } = require('pino') as typeof Pino;
    if (!process.stdout.isTTY) return pino(this.#options, pino.destination({ fd: 1, sync: true }));
    // Of use on a terminal alone.
    const pretty = require('pino-pretty') as typeof PinoPretty;
    const stream = pretty({
      sync: true,
      ignore: 'pid,who',
      messageFormat: '{who}: {msg}',
      translateTime: 'HH:MM:ss.l',
    });
    return pino(this.#options, stream);
  }
}

function logTo(file: string, options: LoggerOptions): ReopenableLog {
  const { pino } = require('pino') as typeof Pino;
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
  return { log, load: () => {}, reopen };
}

/** Lets a few lines of each kind through in a second and counts the others, so that clients cannot fill a disk. */
export class LogLimit {
  readonly #of: { readonly log: Logger };
  readonly #kinds = new Map<string, { since: number; lines: number }>();

  constructor(of: { readonly log: Logger }) {
    this.#of = of;
  }

  warn(kind: string, message: string, details: object = {}): void {
    const now = performance.now();
    let seen = this.#kinds.get(kind);
    if (seen === undefined || now - seen.since >= 1_000) {
      const suppressed = seen === undefined ? 0 : Math.max(0, seen.lines - LOG_LINES_PER_SECOND);
      if (suppressed > 0)
        this.#of.log.warn({ kind, suppressed }, `${suppressed} more lines of this kind were not written`);
      seen = { since: now, lines: 0 };
      this.#kinds.set(kind, seen);
    }
    if (++seen.lines <= LOG_LINES_PER_SECOND) this.#of.log.warn({ kind, ...details }, message);
  }
}
