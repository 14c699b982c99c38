import {
  type Access,
  apply,
  type Local,
  Op,
  Participant,
  type Program,
  withWatchedAtomics,
} from './replay.js';

export interface Scenario {
  /** The memory at the start, every participant being in it. */
  readonly memory: Int32Array;
  /** The memory that participants see while they set up. */
  readonly setUpMemory: Int32Array;
  /** Words that several may touch at once; accesses of others are no points at which somebody else may go on. */
  readonly contended: (at: number) => boolean;
  /** In the order of their numbers as members. */
  readonly programs: readonly Program<unknown>[];
  /** Which of them may die, and how many of them in one run. */
  readonly mortal: readonly number[];
  readonly deaths: number;
  /** Those who wait for deaths. When one of them dies, every death is told again: it may have died on the way. */
  readonly supervisors: readonly number[];
  /** Called for every state in which nobody can go on; throws when something is wrong with it. */
  readonly check: (end: End) => void;
}

export interface End {
  readonly memory: Int32Array;
  readonly participants: readonly {
    readonly dead: boolean;
    readonly asleep: boolean;
    readonly report: readonly string[];
  }[];
}

export interface Explored {
  readonly states: number;
  readonly ends: number;
}

interface State {
  readonly memory: Int32Array;
  readonly locals: readonly Local[];
  /** Bits of participants: bell rung, dead, death not told yet. */
  readonly bells: number;
  readonly dead: number;
  readonly untold: number;
  /** How this state was reached, for the message when it is wrong. */
  readonly from: State | undefined;
  readonly by: string;
}

/** Visits every state that any interleaving and any deaths can reach, and checks those that are ends. */
export function explore(scenario: Scenario): Explored {
  return withWatchedAtomics(() => new Explorer(scenario).run());
}

class Explorer {
  readonly #scenario: Scenario;
  readonly #participants: Participant<unknown>[];
  readonly #seen = new Set<string>();
  readonly #words: number[] = [];
  readonly #stack: State[] = [];
  #ends = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#participants = scenario.programs.map((program) => new Participant(program, scenario.setUpMemory));
    for (let at = 0; at < scenario.memory.length; at++) if (scenario.contended(at)) this.#words.push(at);
  }

  run(): Explored {
    const locals = this.#participants.map(({ start }) => start);
    const memory = this.#scenario.memory.slice();
    this.#visit({ memory, locals, bells: 0, dead: 0, untold: 0, from: undefined, by: 'start' });
    for (let state = this.#stack.pop(); state !== undefined; state = this.#stack.pop()) this.#expand(state);
    return { states: this.#seen.size, ends: this.#ends };
  }

  #visit(state: State): void {
    const key = this.#key(state);
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#stack.push(state);
  }

  #expand(state: State): void {
    let end = true;
    for (let who = 0; who < state.locals.length; who++) {
      if (!this.#enabled(state, who)) continue;
      end = false;
      this.#visit(this.#step(state, who));
    }
    if (end) this.#check(state);
    if (popcount(state.dead) >= this.#scenario.deaths) return;
    for (const who of this.#scenario.mortal) {
      const bit = 1 << who;
      if (state.dead & bit || state.locals[who]?.next === undefined) continue;
      const { dead, untold } = state;
      const again = this.#scenario.supervisors.includes(who) ? dead : 0;
      this.#visit({
        ...state,
        dead: dead | bit,
        untold: untold | bit | again,
        from: state,
        by: `${who} dies`,
      });
    }
  }

  #enabled({ locals, bells, dead, untold }: State, who: number): boolean {
    const next = locals[who]?.next;
    if (next === undefined || dead & (1 << who)) return false;
    if (next.op === Op.Wait) return (bells & (1 << who)) !== 0;
    return next.op !== Op.Death || untold !== 0;
  }

  /** One access of one participant, and those after it that concern nobody else. */
  #step(state: State, who: number): State {
    const memory = state.memory.slice();
    let { bells, untold } = state;
    let local = state.locals[who] as Local;
    const first = local.next as Access;
    do {
      const next = local.next as Access;
      let result = 0;
      if (next.op === Op.Ring) bells |= 1 << next.at;
      else if (next.op === Op.Wait) bells &= ~(1 << who);
      else if (next.op === Op.Death) {
        // The highest number first: a supervisor's predecessor before those that this one had settled.
        result = 31 - Math.clz32(untold);
        untold &= ~(1 << result);
      } else result = apply(memory, next);
      local = (this.#participants[who] as Participant<unknown>).step(local, result);
    } while (local.next !== undefined && local.next.op <= Op.And && !this.#scenario.contended(local.next.at));
    const locals = state.locals.slice();
    locals[who] = local;
    const by = `${who}: ${describe(first)}`;
    return { memory, locals, bells, dead: state.dead, untold, from: state, by };
  }

  #check(state: State): void {
    this.#ends++;
    try {
      this.#scenario.check({
        memory: state.memory,
        participants: state.locals.map(({ next, report }, who) => ({
          dead: (state.dead & (1 << who)) !== 0,
          asleep: next?.op === Op.Wait,
          report,
        })),
      });
    } catch (error) {
      const path: string[] = [];
      for (let at: State | undefined = state; at !== undefined; at = at.from) path.unshift(at.by);
      const reports = state.locals.map(({ report }, who) => `${who}: ${report.join(', ')}`);
      throw new Error(`${(error as Error).message}\n${reports.join('\n')}\n${path.join('\n')}`, {
        cause: error,
      });
    }
  }

  #key({ memory, locals, bells, dead, untold }: State): string {
    const units: number[] = [bells, dead, untold];
    for (const { id } of locals) units.push(id & 0xffff, id >>> 16);
    for (const at of this.#words) {
      const word = memory[at] as number;
      units.push(word & 0xffff);
      if (word >>> 16 !== 0) units.push(0xffff, at, word >>> 16);
    }
    return String.fromCharCode(...units);
  }
}

function describe({ op, at, a, b }: Access): string {
  return `${['load', 'store', 'swap', 'or', 'and', 'ring', 'wait', 'death'][op]} ${at} ${a} ${b}`;
}

function popcount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
