/**
 * Runs the real source one memory access at a time, without threads: what a participant does is a function of the
 * results of its accesses so far, so its state is the list of those. To learn its next access it is run again from
 * its beginning with the results that it had, up to the first that it does not have yet.
 *
 * Accesses are caught by a Proxy in the place of the words, and by a stand-in for the global `Atomics` that knows it.
 */

export enum Op {
  Load,
  Store,
  CompareExchange,
  Or,
  And,
  /** Rings the bell of a member. */
  Ring,
  /** Waits for one's own bell, and silences it. */
  Wait,
  /** Waits for a death that has not been told yet: the number of the participant. */
  Death,
}

/** An access that a participant is about to make. */
export interface Access {
  readonly op: Op;
  readonly at: number;
  readonly a: number;
  readonly b: number;
}

/** What a participant has done, as far as it concerns the checks. */
export type Report = readonly string[];

/** A participant's state: its next access, or none when it has ended; and a state for each result of that access. */
export interface Local {
  readonly id: number;
  readonly phase: number;
  /** What it had reported when the phase began. */
  readonly before: Report;
  readonly results: readonly number[];
  readonly next: Access | undefined;
  readonly report: Report;
  readonly after: Map<number, Local>;
}

class Pause extends Error {}

interface Run {
  readonly results: readonly number[];
  position: number;
  /** Accesses of the set-up are answered by this memory, at once. */
  setUp: Int32Array | undefined;
  next: Access | undefined;
}

let current: Run | undefined;

/** One access of the running participant: its result from before, or the end of the run. */
export function access(op: Op, at: number, a = 0, b = 0): number {
  const run = current as Run;
  if (run.next !== undefined) throw new Pause();
  if (run.setUp) return apply(run.setUp, { op, at, a, b });
  if (run.position < run.results.length) return run.results[run.position++] as number;
  run.next = { op, at, a, b };
  throw new Pause();
}

/** Makes an access of memory; what it returns is what `Atomics` returns. */
export function apply(memory: Int32Array, { op, at, a, b }: Access): number {
  const before = memory[at] as number;
  if (op === Op.Store) memory[at] = a;
  else if (op === Op.CompareExchange) memory[at] = before === a ? b : before;
  else if (op === Op.Or) memory[at] = before | a;
  else if (op === Op.And) memory[at] = before & a;
  return before;
}

/** Words whose every access is caught. */
export const watchedWords = new Proxy([] as unknown as Int32Array, {
  get: (_, name) => access(Op.Load, Number(name)),
  set: (_, name, value: number) => {
    access(Op.Store, Number(name), value);
    return true;
  },
});

/** Stands in for the global `Atomics` while `body` runs; other memory than the watched words is left alone. */
export function withWatchedAtomics<T>(body: () => T): T {
  const real = globalThis.Atomics;
  const caught =
    (op: Op, name: 'load' | 'store' | 'compareExchange' | 'or' | 'and') =>
    (words: Int32Array, at: number, a: number, b: number) =>
      words === watchedWords
        ? access(op, at, a, b)
        : (real[name] as (...all: unknown[]) => number)(words, at, a, b);
  globalThis.Atomics = Object.assign(Object.create(real) as typeof Atomics, {
    load: caught(Op.Load, 'load'),
    store: caught(Op.Store, 'store'),
    compareExchange: caught(Op.CompareExchange, 'compareExchange'),
    or: caught(Op.Or, 'or'),
    and: caught(Op.And, 'and'),
  });
  try {
    return body();
  } finally {
    globalThis.Atomics = real;
  }
}

/**
 * What a participant does. `setUp` makes its objects as they are at the beginning of a `phase`, its accesses being
 * answered at once from a memory of their own. `run` is explored. By `goOn` it begins a phase anew: what it does from
 * there on depends on nothing that came before, so that all ways to get there are one.
 */
export interface Program<T> {
  /** The phase in which it begins. Default 0. */
  readonly start?: number;
  readonly setUp: (phase: number) => T;
  readonly run: (
    made: T,
    phase: number,
    tell: (what: string) => void,
    goOn: (phase: number) => never,
  ) => void;
}

class NextPhase extends Error {
  readonly phase: number;

  constructor(phase: number) {
    super();
    this.phase = phase;
  }
}

/** A participant's states, found as they are asked for. */
export class Participant<T> {
  readonly start: Local;
  readonly #program: Program<T>;
  readonly #memory: Int32Array;
  readonly #phases = new Map<string, Local>();
  #locals = 0;

  constructor(program: Program<T>, memory: Int32Array) {
    this.#program = program;
    this.#memory = memory;
    this.start = this.#begin(program.start ?? 0, []);
  }

  /** The state after `local`'s access had `result`. */
  step(local: Local, result: number): Local {
    let after = local.after.get(result);
    if (after === undefined) {
      after = this.#replay(local.phase, local.before, [...local.results, result]);
      local.after.set(result, after);
    }
    return after;
  }

  #begin(phase: number, before: Report): Local {
    const sorted = [...before].sort();
    const key = `${phase} ${sorted.join(',')}`;
    let local = this.#phases.get(key);
    if (local === undefined) {
      local = this.#replay(phase, sorted, []);
      this.#phases.set(key, local);
    }
    return local;
  }

  /** Those who have ended with the same report are one. */
  #end(report: Report): Local {
    const key = `end ${[...report].sort().join(',')}`;
    let local = this.#phases.get(key);
    if (local === undefined) {
      local = {
        id: this.#locals++,
        phase: 0,
        before: [],
        results: [],
        next: undefined,
        report,
        after: new Map(),
      };
      this.#phases.set(key, local);
    }
    return local;
  }

  #replay(phase: number, before: Report, results: readonly number[]): Local {
    const report = [...before];
    const run: Run = { results, position: 0, setUp: this.#memory.slice(), next: undefined };
    current = run;
    try {
      const made = this.#program.setUp(phase);
      run.setUp = undefined;
      const goOn = (next: number) => {
        throw new NextPhase(next);
      };
      this.#program.run(made, phase, (what) => report.push(what), goOn);
    } catch (error) {
      if (error instanceof NextPhase) return this.#begin(error.phase, report);
      if (!(error instanceof Pause)) report.push(`threw ${(error as Error).stack}`);
    } finally {
      current = undefined;
    }
    if (run.next === undefined && results.length > 0) return this.#end(report);
    return { id: this.#locals++, phase, before, results, next: run.next, report, after: new Map() };
  }
}
