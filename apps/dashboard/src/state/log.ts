import { signal } from '@preact/signals';
import { LiveStream, type StreamState } from '../api/live-stream.js';

/** Lines that are kept: the oldest go. */
const MOST_LINES = 500;
/** Of the past, which come first. */
const PAST_LINES = 200;
/** Milliseconds in which lines are gathered before they are shown: a flood costs no more than this often. */
const GATHER_MS = 100;

/** A line of the log, as pino makes it. */
export interface LogLine {
  readonly key: number;
  readonly at: number;
  readonly level: string;
  readonly process: string;
  readonly text: string;
  readonly rest: Readonly<Record<string, unknown>>;
}

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

let keys = 0;

/** The log of a server or of one process of it, as it is written. */
export class LogView {
  readonly lines = signal<readonly LogLine[]>([]);
  readonly state = signal<StreamState>('connecting');
  readonly #stream: LiveStream;
  #gathered: LogLine[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({
    process,
    level,
  }: { readonly process?: string | undefined; readonly level?: string | undefined }) {
    const query = new URLSearchParams({
      lines: String(PAST_LINES),
      ...(process !== undefined && { process }),
      ...(level !== undefined && { level }),
    });
    this.#stream = new LiveStream(`/v1/logs?${query}`, {
      onEvent: (event, data) => {
        if (event === 'log') this.#take(lineOf(data as Record<string, unknown>));
        if (event === 'lost') this.#take(lossOf(data as { lines: number }));
      },
      onState: (state) => {
        this.state.value = state;
      },
    });
  }

  close(): void {
    this.#stream.close();
    clearTimeout(this.#timer);
  }

  #take(line: LogLine): void {
    this.#gathered.push(line);
    if (this.#gathered.length > MOST_LINES) this.#gathered.shift();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.lines.value = [...this.lines.value, ...this.#gathered].slice(-MOST_LINES);
      this.#gathered = [];
    }, GATHER_MS);
  }
}

function lineOf(data: Record<string, unknown>): LogLine {
  const { time, level, role, id, process, pid, msg, name: _, hostname: __, ...rest } = data;
  const at = typeof time === 'number' ? time : Date.parse(String(time));
  const origin = process ?? (id === undefined || id === null ? role : `${role}:${id}`);
  return {
    key: ++keys,
    at: Number.isNaN(at) ? Date.now() : at,
    level: levelName(level),
    process: origin === undefined ? (pid === undefined ? '' : String(pid)) : String(origin),
    text: typeof msg === 'string' ? msg : '',
    rest,
  };
}

/** The server writes faster than this page reads. */
function lossOf({ lines }: { readonly lines: number }): LogLine {
  const text = `${lines} lines have been missed here: they came too fast.`;
  return { key: ++keys, at: Date.now(), level: 'warn', process: '', text, rest: {} };
}

function levelName(level: unknown): string {
  if (typeof level === 'string') return level;
  return typeof level === 'number' ? (LEVELS[Math.round(level / 10) - 1] ?? String(level)) : 'info';
}
