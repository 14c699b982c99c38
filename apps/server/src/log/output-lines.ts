import { StringDecoder } from 'node:string_decoder';
import { LOG_LEVELS } from '../options/options.js';
import type { HandedPipes, StreamName } from './output-pipes.js';

/** Characters of a line; longer ones become several. */
const MOST_LINE = 16_384;
/** Bytes in a second of one process, for each line that it may write. */
const BYTES_PER_LINE = 1_024;
const WINDOW_MS = 1_000;

/** Lets so many lines of a process through in a second, of both its streams, and counts the others. */
export class OutputLimit {
  readonly #most: number;
  #since = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #bytes = 0;
  #leftOut = 0;

  /** 0: any number. */
  constructor(most: number) {
    this.#most = most === 0 ? Number.POSITIVE_INFINITY : most;
  }

  /** Whether a line may be written. */
  take(bytes: number, now: number): boolean {
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now;
      this.#lines = 0;
      this.#bytes = 0;
    }
    this.#lines++;
    this.#bytes += bytes;
    if (this.#lines <= this.#most && this.#bytes <= this.#most * BYTES_PER_LINE) return true;
    this.#leftOut++;
    return false;
  }

  /** How many were left out since it was asked last; 0 while the second is not over in which they were, unless that is the end. */
  leftOut(now: number, isEnd = false): number {
    if (!isEnd && now - this.#since < WINDOW_MS) return 0;
    const lines = this.#leftOut;
    this.#leftOut = 0;
    return lines;
  }
}

/** Cuts what comes by a pipe into lines. */
export class LineCutter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  /** The beginning of a line has been written, since it is long. */
  #isGoingOn = false;
  #grewAt = 0;

  /** Whole lines, without their ends; those with nothing in them are left out. */
  cut(bytes: Buffer, now: number): string[] {
    const lines = `${this.#rest}${this.#decoder.write(bytes)}`.split('\n');
    this.#rest = lines.pop() ?? '';
    this.#grewAt = now;
    const found: string[] = [];
    for (const line of lines) {
      this.#add(found, line);
      this.#isGoingOn = false;
    }
    while (this.#rest.length > MOST_LINE) {
      found.push(this.#rest.slice(0, MOST_LINE));
      this.#rest = this.#rest.slice(MOST_LINE);
      this.#isGoingOn = true;
    }
    return found;
  }

  /** A line whose end does not come: a prompt, or the last words. */
  rest(now: number, isEnd = false): string | undefined {
    if (this.#rest === '' || (!isEnd && now - this.#grewAt < WINDOW_MS)) return undefined;
    const line = this.#rest;
    this.#rest = '';
    this.#isGoingOn = true;
    return line;
  }

  #add(found: string[], line: string): void {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text.trim() === '' && !this.#isGoingOn) return;
    for (let at = 0; at < text.length; at += MOST_LINE) found.push(text.slice(at, at + MOST_LINE));
  }
}

const LEVELS = { stdout: 'info', stderr: 'error' } as const;
/** Of pino and bunyan. */
const NUMBERS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const WORDS: Readonly<Record<string, string>> = { warning: 'warn', err: 'error', critical: 'fatal' };
const OURS = ['level', 'time', 'role', 'id', 'pid', 'stream'];

/** A line of the log, of one that a process has written to a stream. One that is of a logger already, JSON with a level, keeps what it tells. */
export function logLineOf(text: string, process: HandedPipes, stream: StreamName): string {
  const { role, id, pid } = process;
  const origin = { role, ...(id !== undefined && { id }), pid, stream };
  const told = text.startsWith('{"') && text.endsWith('}') ? toldBy(text, origin) : undefined;
  return told ?? JSON.stringify({ level: LEVELS[stream], time: Date.now(), ...origin, msg: text });
}

/** Undefined: it is not of a logger, or nested more deeply than V8 writes JSON. */
function toldBy(text: string, origin: object): string | undefined {
  try {
    return ofLogger(JSON.parse(text) as Record<string, unknown>, origin);
  } catch {
    return undefined;
  }
}

function ofLogger(own: Record<string, unknown>, origin: object): string | undefined {
  const level = levelOf(own.level);
  if (level === undefined) return undefined;
  const time = Number.isFinite(own.time) ? own.time : Date.now();
  const { level: _, time: __, pid: ___, ...rest } = own;
  const others = Object.entries(rest).map(([key, value]) => [OURS.includes(key) ? `${key}_` : key, value]);
  return JSON.stringify({ level, time, ...origin, ...Object.fromEntries(others) });
}

function levelOf(level: unknown): string | undefined {
  if (typeof level === 'number') return NUMBERS[Math.min(60, Math.max(10, Math.floor(level / 10) * 10))];
  if (typeof level !== 'string') return undefined;
  const word = level.toLowerCase();
  return LOG_LEVELS.find((one) => one === word) ?? WORDS[word];
}
