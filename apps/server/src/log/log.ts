import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { isatty } from 'node:tty';
import type * as Pino from 'pino';
import type { Logger, SerializedError } from 'pino';
import type * as PinoPretty from 'pino-pretty';
import { LOG_LINES_PER_SECOND } from '../constants.js';
import { ServerError } from '../errors.js';
import type { LogLevel } from '../options/options.js';
import { LogOutput } from './log-output.js';

export type { Logger };

const require = createRequire(import.meta.url);

const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;

/** Adds lines that are lost to what all processes of the server count, and returns how many there were before. */
export type CountLost = (lines: number) => number;

/**
 * The log of one process: JSON lines in `file` or on standard output, or readable ones where that is a terminal. Written
 * at once, so that the last line of a dying process is there.
 *
 * A line that cannot be written, whatever the reason, is lost and counted; standard error is told of the first. Nothing is
 * thrown at the caller, and no process waits for a pipe that is not read.
 */
export class ProcessLog {
  readonly #level: LogLevel;
  readonly #who: string;
  readonly #output: LogOutput;
  #log: Logger | undefined;
  #complaints: LogOutput | undefined;
  #count: CountLost | undefined;
  /** Lost lines that have not been counted yet. */
  #uncounted = 0;
  #told = false;

  /** `trustedUsers`: users, besides root and this process's, whose file it may be. */
  constructor(level: LogLevel, who: string, file: string | undefined, trustedUsers?: readonly number[]) {
    this.#level = level;
    this.#who = who;
    this.#output = new LogOutput(file === undefined ? STANDARD_OUTPUT : resolve(file), {
      onLost: (lines, { errnoName, message }) =>
        this.#lose(
          lines,
          this.#output.name,
          errnoName === 'EAGAIN' ? 'it is full, and no process reads it' : message,
        ),
      trustedUsers,
      onRecovered: (lines) =>
        this.log.warn({ lost: lines }, 'the lines of the log before this one could not be written'),
    });
  }

  /** Pino is loaded for the first line: most processes have nothing to say, and it is a fifth of what they load. */
  get log(): Logger {
    try {
      this.load();
    } catch (error) {
      // A process that has no descriptor left cannot load it either. The line is lost; the next one may find it otherwise.
      return this.#losing((error as Error).message);
    }
    return this.#log as Logger;
  }

  /** Loads what it needs, which is otherwise done for the first line. */
  load(): void {
    this.#log ??= this.#open();
  }

  /**
   * Opens the file before the first line does. In the `first` process it throws `ERR_MILLRACE_LOG_FILE` where that cannot be
   * done: it is what has just been written into the options. Of a server that runs the lines are lost.
   */
  openFile(first: boolean): void {
    try {
      this.#output.reopen();
    } catch (cause) {
      const { message, code } = cause as NodeJS.ErrnoException;
      const { name } = this.#output;
      const advice = code === 'ENOENT' ? `Make the directory ${dirname(name)} first` : 'Make it writable';
      const text = `The logFile '${name}' cannot be opened: ${message}. ${advice}, or name another logFile.`;
      if (first) throw new ServerError('ERR_MILLRACE_LOG_FILE', text, { cause });
      this.complain(text);
    }
  }

  /** From now on `open` opens the file: this process may not open it by its path any more. */
  openBy(open: () => number): void {
    this.#output.openBy(open);
  }

  /**
   * Opens the file anew, which has been moved away, say; returns its descriptor, which stays the log's. Where that fails it
   * goes on in the file that it has.
   */
  reopen(): number | undefined {
    try {
      this.#output.reopen();
      return this.#output.isFile ? this.#output.fd : undefined;
    } catch (error) {
      const text = `the log file cannot be opened anew: ${(error as Error).message}`;
      this.log.error(`${text}; the log goes on in the file from before`);
      this.complain(text);
      return undefined;
    }
  }

  /** Counts the lines that are lost, those up to now included, by `count`. */
  countBy(count: CountLost): void {
    this.#count = count;
    if (this.#uncounted === 0) return;
    count(this.#uncounted);
    this.#uncounted = 0;
  }

  /** Says something about the log itself, on standard error; nothing comes of it where that cannot be written to. */
  complain(text: string): void {
    this.#complaints ??= new LogOutput(STANDARD_ERROR, { onLost: () => {}, onRecovered: () => {} });
    this.#complaints.write(`millrace: ${this.#who} (${process.pid}): ${text}\n`);
  }

  /** Something that the program itself has written to a standard stream is lost; it counts as a line. */
  outputLost(name: string, error: Error): void {
    this.#lose(1, name, error.message);
  }

  #lose(lines: number, name: string, why: string): void {
    let before = 0;
    if (this.#count) before = this.#count(lines);
    else this.#uncounted += lines;
    if (this.#told || before > 0) return;
    this.#told = true;
    this.complain(
      `a line is lost, since ${name} does not take it (${why}). ` +
        'The server goes on; stats().lostLogLines counts such lines, and no more is said of them here.',
    );
  }

  /** Takes lines and loses them. */
  #losing(why: string): Logger {
    const lose = () =>
      this.#lose(1, this.#output.name, `what writes it cannot be loaded: ${why.split('\n', 1)[0]}`);
    const levels = {
      fatal: lose,
      error: lose,
      warn: lose,
      info: lose,
      debug: lose,
      trace: lose,
      silent: lose,
    };
    const log = { ...levels, child: () => log } as unknown as Logger;
    return log;
  }

  #open(): Logger {
    const { pino } = require('pino') as typeof Pino;
    const options = {
      level: this.#level,
      base: { pid: process.pid, who: this.#who },
      serializers: { err: (error: Error) => serialize(error, pino.stdSerializers.err) },
    };
    const output = this.#output;
    if (output.isFile || !isatty(STANDARD_OUTPUT)) return pino(options, output);
    // Of use on a terminal alone.
    const { prettyFactory } = require('pino-pretty') as typeof PinoPretty;
    const pretty = prettyFactory({
      colorize: true,
      ignore: 'pid,who',
      messageFormat: '{who}: {msg}',
      translateTime: 'HH:MM:ss.l',
    });
    return pino(options, { write: (line) => output.write(pretty(line)) });
  }
}

/** What handlers throw may be anything, also something whose properties throw when they are read. */
function serialize(error: Error, how: (error: Error) => SerializedError): unknown {
  try {
    return how(error);
  } catch (failure) {
    return { type: typeof error, message: `what was thrown cannot be shown: ${String(failure)}` };
  }
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
