/**
 * The stores of a table, each a step before which its process can die. Test files put them in the place of
 * src/table/stores.ts:
 *
 *     vi.mock('../../src/table/stores.js', async () => (await import('./dying-stores.js')).stores);
 */
export class Death extends Error {
  override readonly name = 'Death';
}

/** Called before each store; throws Death to end the process there. */
let beforeStore: () => void = () => {};

/** Runs `action` with `hook` called before each of its stores. */
export function withHook(hook: () => void, action: () => void): void {
  const outer = beforeStore;
  beforeStore = hook;
  try {
    action();
  } finally {
    beforeStore = outer;
  }
}

/** Runs `action` up to its k-th store (from 0): true when it died there, false when it needs no more than k stores. */
export function dyingAt(k: number, action: () => void): boolean {
  let left = k;
  try {
    withHook(() => {
      // Dead is dead: no `finally` on the way out stores anything.
      if (left-- <= 0) throw new Death(`before store ${k}`);
    }, action);
  } catch (error) {
    if (error instanceof Death) return true;
    throw error;
  }
  return false;
}

export const stores = {
  put(words: Int32Array, at: number, value: number): void {
    beforeStore();
    words[at] = value;
  },
  publish(words: Int32Array, at: number, value: number): void {
    beforeStore();
    Atomics.store(words, at, value);
  },
  exchange(words: Int32Array, at: number, expected: number, value: number): number {
    beforeStore();
    return Atomics.compareExchange(words, at, expected, value);
  },
  setBits(words: Int32Array, at: number, bits: number): void {
    beforeStore();
    Atomics.or(words, at, bits);
  },
  clearBits(words: Int32Array, at: number, bits: number): void {
    beforeStore();
    Atomics.and(words, at, ~bits);
  },
  tick(words: Int32Array, at: number): number {
    beforeStore();
    return Atomics.add(words, at, 1);
  },
  /** Word by word: a death can come between any two of them. */
  copyWords(words: Int32Array, at: number, source: Int32Array, from: number, length: number): void {
    for (let i = 0; i < length; i++) {
      beforeStore();
      words[at + i] = source[from + i] as number;
    }
  },
};
