import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import type * as Pino from 'pino';
import type { Logger, SerializedError } from 'pino';
import { LOG_LINES_PER_SECOND } from '../constants.js';
import { ServerError } from '../errors.js';
import type { LogFormat, LogLevel } from '../options/options.js';
import type { LogRing } from '../shared/log-ring.js';
import { formatFor, prettyLines } from './log-format.js';
import { LogOutput } from './log-output.js';
import { nameOf, type Origin } from './origin.js';

export type { Logger };

const require = createRequire(import.meta.url);

/** The number of the level that pino has for warnings. */
const WARN = 40;
const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;

/** Lines that are kept until the memory for the last lines of all processes is there: those of a start. */
const MOST_EARLY = 256;

export interface ProcessLogOptions {
  readonly level: LogLevel;
  readonly origin: Origin;
  /** Default: `output`. */
  readonly file: string | undefined;
  readonly format: LogFormat | undefined;
  /** Users, besides root and this process's, whose file it may be. */
  readonly trustedUsers?: readonly number[] | undefined;
  /** What the server was started with as standard output and error, where those of this process are other ones. */
  readonly standard?: { readonly output: number; readonly error: number } | undefined;
}

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
  readonly #options: ProcessLogOptions;
  readonly #output: LogOutput;
  readonly #fd: number | undefined;
  readonly #format: LogFormat;
  /** Makes a readable line of one of JSON. */
  #pretty: ((line: string) => string) | undefined;
  #log: Logger | undefined;
  #ring: LogRing | undefined;
  /** Undefined: they are in the ring, or there is none. */
  #early: string[] | undefined = [];
  #complaints: LogOutput | undefined;
  #count: CountLost | undefined;
  /** Lost lines that have not been counted yet. */
  #uncounted = 0;
  #told = false;
  #onError: (error: unknown) => void = () => {};

  constructor(options: ProcessLogOptions) {
    this.#options = options;
    const { file, format, trustedUsers, standard } = options;
    const fd = file === undefined ? (standard?.output ?? STANDARD_OUTPUT) : undefined;
    this.#fd = fd;
    this.#format = formatFor(format, fd);
    this.#output = new LogOutput(fd ?? resolve(file as string), {
      name: 'standard output',
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

  /** As {@link load}; where that cannot be done now, the first line tries it again. */
  prepare(): void {
    void this.log;
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

  /** Calls `listener` with each error that a line from warnings on is about. */
  onError(listener: (error: unknown) => void): void {
    this.#onError = listener;
  }

  /** Says something about the log itself, on standard error; nothing comes of it where that cannot be written to. */
  complain(text: string): void {
    const { standard, origin } = this.#options;
    this.#complaints ??= new LogOutput(standard?.error ?? STANDARD_ERROR, {
      name: 'standard error',
      onLost: () => {},
      onRecovered: () => {},
    });
    this.#complaints.write(`millrace: ${nameOf(origin)} (${process.pid}): ${text}\n`);
  }

  /** Something that the program itself has written to a standard stream is lost; it counts as a line. */
  outputLost(name: string, error: Error): void {
    this.#lose(1, name, error.message);
  }

  /** Writes what waits for the reader of a pipe, as far as there is room for it; whether that is all. */
  flush(): boolean {
    this.#output.flush();
    return !this.#output.hasWaiting;
  }

  /** Lines were left out before they came here. */
  leftOut(lines: number): void {
    if (this.#count) this.#count(lines);
    else this.#uncounted += lines;
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
    const { level, origin } = this.#options;
    // Here, not at the first line: later there may be no descriptor left, or another root directory.
    this.#loadFormat();
    const base = { ...origin, pid: process.pid };
    const options = {
      level,
      base,
      hooks: { logMethod: hearErrors((error) => this.#onError(error)) },
      formatters: {
        level: (label: string) => ({ level: label }),
        log: besides,
      },
      serializers: { err: (error: Error) => serialize(error, pino.stdSerializers.err) },
    };
    const log = pino(options, { write: (line) => this.writeLine(line) });
    // What children are bound to is not shown to the formatters.
    const { child } = log;
    log.child = function (this: Logger, bindings: object, ...more: []) {
      return child.call(this, besides(bindings), ...more);
    } as typeof child;
    return log;
  }

  /** Writes a line of JSON, from whichever process it is. */
  writeLine(line: string): void {
    if (this.#ring !== undefined) this.#ring.write(line);
    else if (this.#early !== undefined && this.#early.length < MOST_EARLY) this.#early.push(line);
    this.#loadFormat();
    this.#output.write(this.#pretty === undefined ? line : this.#pretty(line));
  }

  #loadFormat(): void {
    if (this.#format === 'pretty') this.#pretty ??= prettyLines(this.#fd);
  }

  /** Lines are kept in `ring` as well, those up to now included. */
  keepIn(ring: LogRing): void {
    this.#ring = ring;
    for (const line of this.#early ?? []) ring.write(line);
    this.#early = undefined;
  }
}

/** Calls `listener` with the error of each line that has one, from warnings on. */
function hearErrors(listener: (error: unknown) => void) {
  return function (this: Logger, args: Parameters<Pino.LogFn>, method: Pino.LogFn, level: number): void {
    const [first] = args as unknown[];
    if (level >= WARN && typeof first === 'object' && first !== null && 'err' in first) listener(first.err);
    method.apply(this, args);
  };
}

const RESERVED = ['level', 'time', 'role', 'id', 'pid'];

/** Each key is there once: one of the details that says where a line comes from, or when, gets an underscore behind it. */
function besides(details: object): Record<string, unknown> {
  if (!RESERVED.some((key) => Object.hasOwn(details, key))) return details as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => [RESERVED.includes(key) ? `${key}_` : key, value]),
  );
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
