import { vi } from 'vitest';
import type { ThreadIdentity, Threads } from '../../src/owner/threads.js';

/** A machine with threads that live as long as a test says. */
export class Machine {
  readonly #living = new Map<number, ThreadIdentity>();
  #clock = 2 ** 32;

  start(tid: number): Threads {
    const self = { pid: tid, tid, start: this.#clock++ };
    this.#living.set(tid, self);
    return {
      self: () => self,
      namespace: () => 1,
      isAlive: ({ pid, tid, start }) => {
        const found = this.#living.get(tid);
        return found?.pid === pid && found.start === start;
      },
      exists: (tid) => this.#living.has(tid),
    };
  }

  kill(tid: number): void {
    this.#living.delete(tid);
  }
}

const CHANGES = ['store', 'compareExchange', 'exchange', 'add', 'sub'] as const;

/**
 * Runs `action`, and ends it as a death would before its change number `fatal` of shared memory, from 1; whether it was
 * ended.
 */
export function dieBefore(fatal: number, action: () => void): boolean {
  let changes = 0;
  for (const name of CHANGES) {
    const change = Atomics[name] as (...args: unknown[]) => number;
    vi.spyOn(Atomics, name).mockImplementation(((...args: unknown[]) => {
      if (++changes === fatal) throw new Error('killed');
      return change(...args);
    }) as never);
  }
  try {
    action();
    return false;
  } catch (error) {
    if ((error as Error).message !== 'killed') throw error;
    return true;
  } finally {
    vi.restoreAllMocks();
  }
}
