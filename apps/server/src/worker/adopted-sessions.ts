import type { SessionId } from '../contract/ids.js';

/** Milliseconds between two looks at those that nothing has come from. */
const CHECK_MS = 1_000;

export interface Adopted {
  readonly remote: string;
  /** When it came here, by `performance.now()`. */
  readonly since: number;
  /** How long it may say nothing; 0: for ever. */
  readonly idleMs: number;
  /** The last of its requests that a process has taken. */
  readonly taken: number;
}

/**
 * Idle connections that a worker has taken over from the one before it. They have neither a socket nor a parser until something
 * comes: a worker that died with ten thousand of them would be followed by one that is busy for a second. As long as they say
 * nothing, one timer for all of them does what the server's `keepAliveTimeout` says.
 */
export class AdoptedSessions {
  readonly #sessions = new Map<SessionId, Adopted>();
  readonly #close: (id: SessionId, taken: number) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(close: (id: SessionId, taken: number) => void) {
    this.#close = close;
  }

  add(id: SessionId, remote: string, idleMs: number, taken: number): void {
    this.#sessions.set(id, { remote, since: performance.now(), idleMs, taken });
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS).unref();
  }

  /** Something has come from it, or it is closed: it is none of these any more. */
  take(id: SessionId): Adopted | undefined {
    const adopted = this.#sessions.get(id);
    if (adopted !== undefined) this.#sessions.delete(id);
    return adopted;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Has none any more, and returns those that there were. */
  takeAll(): SessionId[] {
    const all = [...this.#sessions.keys()];
    this.#sessions.clear();
    return all;
  }

  #check(): void {
    const now = performance.now();
    for (const [id, { since, idleMs, taken }] of this.#sessions) {
      if (idleMs === 0 || now - since < idleMs) continue;
      this.#sessions.delete(id);
      this.#close(id, taken);
    }
    if (this.#sessions.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
