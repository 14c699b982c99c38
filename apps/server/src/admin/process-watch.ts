import type { ProcessEvent, ProcessReport } from './schemas.js';
import type { ServerView } from './server-view.js';

/** Milliseconds between two looks. */
const LOOK_MS = 100;

type Listener = (event: ProcessEvent) => void;

/** A name, as it was seen last. */
interface Seen {
  readonly state: ProcessReport['state'];
  readonly pid: number | null;
  /** The process that had the name before that one. */
  readonly previousPid: number | null;
}

/** Sees in shared memory that processes end, come and become ready. It looks as long as something listens, and is idle otherwise. */
export class ProcessWatch {
  readonly #view: ServerView;
  readonly #listeners = new Set<Listener>();
  #seen = new Map<string, Seen>();
  #timer: NodeJS.Timeout | undefined;

  constructor(view: ServerView) {
    this.#view = view;
  }

  /** Returns what ends it. */
  listen(listener: Listener): () => void {
    if (this.#timer === undefined) {
      this.#seen = new Map(
        this.#view.processes.all(0).map(({ name, pid, state }) => [name, { pid, state, previousPid: null }]),
      );
      this.#timer = setInterval(() => this.look(), LOOK_MS);
    }
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** Tells what has changed since the last look. */
  look(): void {
    const all = this.#view.processes.all(0);
    for (const { name, pid, state, lastFailure } of all) {
      const last = this.#seen.get(name);
      if (last?.pid === pid && last.state === state) continue;
      const isAnother = last !== undefined && last.pid !== null && last.pid !== pid;
      const previousPid = isAnother ? last.pid : (last?.previousPid ?? null);
      this.#seen.set(name, { pid, state, previousPid });
      for (const listener of this.#listeners)
        listener({ process: name, state, pid, previousPid, lastFailure, at: Date.now() });
    }
    // Those that the server was scaled down by.
    const names = new Set(all.map(({ name }) => name));
    for (const [process, { pid }] of this.#seen) {
      if (names.has(process)) continue;
      this.#seen.delete(process);
      const ended = { process, state: 'down', pid: null, previousPid: pid, lastFailure: null } as const;
      for (const listener of this.#listeners) listener({ ...ended, at: Date.now() });
    }
  }
}
