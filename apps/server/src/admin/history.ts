import type { HistoryReport, ProcessHistoryReport, ProcessReport, StatusReport } from './schemas.js';
import type { ServerView } from './server-view.js';

const EVERY_MS = 1_000;
/** Samples that are kept: ten minutes. */
const KEPT = 600;

type OfServer = Record<
  keyof HistoryReport['series'],
  (status: StatusReport, processes: readonly ProcessReport[]) => number | null
>;
type OfProcess = Record<keyof ProcessHistoryReport['series'], (process: ProcessReport) => number | null>;

/** What is kept of the server. Counters stay counters: a rate is the difference of two of them. */
const OF_SERVER: OfServer = {
  connections: ({ connections }) => connections.open,
  received: ({ messages }) => messages.received,
  answered: ({ messages }) => messages.answered,
  underWay: ({ messages }) => messages.underWay,
  bytesIn: ({ messages }) => messages.bytesIn,
  bytesOut: ({ messages }) => messages.bytesOut,
  tasksCompleted: ({ tasks }) => tasks.completed,
  tasksFailed: ({ tasks }) => tasks.failed,
  tasksWaiting: ({ tasks }) => tasks.waiting,
  tasksRunning: ({ tasks }) => tasks.running,
  cpuPercent: (_, processes) => sum(processes.map(({ cpuPercent }) => cpuPercent)),
  memory: (_, processes) => sum(processes.map(({ memory }) => memory)),
  loopDelayMs: (_, processes) => most(processes.map(({ loopDelayMs }) => loopDelayMs)),
  restarts: ({ processes }) => processes.restarts,
};

const OF_PROCESS: OfProcess = {
  cpuPercent: ({ cpuPercent }) => cpuPercent,
  memory: ({ memory }) => memory,
  loopDelayMs: ({ loopDelayMs }) => loopDelayMs,
  connections: ({ connections }) => connections,
  messages: ({ messages }) => messages,
  tasksRunning: ({ tasksRunning }) => tasksRunning,
};

/**
 * The last ten minutes, a sample a second, in memory that does not grow: who looks at the server only now sees what was before. It is of
 * this process: a successor begins anew.
 */
export class History {
  readonly #view: ServerView;
  readonly #at = new Float64Array(KEPT);
  readonly #server = columnsOf(OF_SERVER);
  /** By the names of processes, of which there are as many as the server may ever have. */
  readonly #processes = new Map<string, Columns<keyof OfProcess>>();
  readonly #timer: NodeJS.Timeout;
  #taken = 0;

  constructor(view: ServerView) {
    this.#view = view;
    this.#timer = setInterval(() => this.#sample(), EVERY_MS);
    this.#sample();
  }

  server(): HistoryReport {
    return this.#report(this.#server);
  }

  /** Undefined where no process has that name. */
  process(name: string): ProcessHistoryReport | undefined {
    const columns = this.#processes.get(name);
    return columns && this.#report(columns);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const slot = this.#taken % KEPT;
    const status = this.#view.status();
    const processes = this.#view.processes.all();
    // Rates are of the last second, whenever they are asked for.
    this.#view.listeners.all();
    this.#at[slot] = status.at;
    for (const [name, of] of Object.entries(OF_SERVER))
      this.#server[name as keyof OfServer][slot] = of(status, processes) ?? Number.NaN;
    // Of a name that has no process now, what was there ten minutes ago goes.
    for (const columns of this.#processes.values())
      for (const values of Object.values(columns)) values[slot] = Number.NaN;
    for (const process of processes) {
      const columns = this.#columnsOf(process.name);
      for (const [name, of] of Object.entries(OF_PROCESS))
        columns[name as keyof OfProcess][slot] = of(process) ?? Number.NaN;
    }
    this.#taken++;
  }

  #columnsOf(name: string): Columns<keyof OfProcess> {
    const found = this.#processes.get(name) ?? columnsOf(OF_PROCESS);
    this.#processes.set(name, found);
    return found;
  }

  #report<Series extends string>(columns: Columns<Series>): Report<Series> {
    const entries = Object.entries<Float64Array>(columns).map(([name, values]) => [
      name,
      this.#inOrder(values).map((value) => (Number.isNaN(value) ? null : value)),
    ]);
    return { everyMs: EVERY_MS, at: this.#inOrder(this.#at), series: Object.fromEntries(entries) };
  }

  /** Oldest first. */
  #inOrder(values: Float64Array): number[] {
    if (this.#taken <= KEPT) return [...values.subarray(0, this.#taken)];
    const oldest = this.#taken % KEPT;
    return [...values.subarray(oldest), ...values.subarray(0, oldest)];
  }
}

interface Report<Series extends string> {
  readonly everyMs: number;
  readonly at: number[];
  readonly series: Record<Series, (number | null)[]>;
}

type Columns<Series extends string> = Readonly<Record<Series, Float64Array>>;

function columnsOf<Series extends string>(of: Readonly<Record<Series, unknown>>): Columns<Series> {
  const names = Object.keys(of) as Series[];
  return Object.fromEntries(
    names.map((name) => [name, new Float64Array(KEPT).fill(Number.NaN)]),
  ) as Columns<Series>;
}

const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);

/** null: none is known. */
function sum(values: readonly (number | null)[]): number | null {
  const all = known(values);
  return all.length === 0 ? null : Math.round(all.reduce((total, value) => total + value, 0) * 10) / 10;
}

function most(values: readonly (number | null)[]): number | null {
  const all = known(values);
  return all.length === 0 ? null : Math.max(...all);
}
