import { AGENTS, type Agent, type Machine, type Snapshot } from './machine.js';

/**
 * Runs every interleaving of two agents, and every death of each between any two of its operations.
 *
 * An agent is real, synchronous code. It cannot be stopped in the middle, so it is run again from its beginning for each
 * step, being given the results that its operations had before; what it does after those is new, up to its next step. An agent
 * that dies begins a new life, with its program's next call.
 */
const PAUSE = Symbol('pause');
const DEATH = Symbol('death');

/** What an agent does. Only what a death leaves behind is kept outside of a life; the rest is rebuilt in every run. */
export interface Program {
  /** One life, which goes on from what is left of the ones before. */
  live(): void;
  /** What the world has seen of it so far, as text. */
  save(): string;
  /** Goes back to that; without one, to the beginning. */
  restore(saved: string | undefined): void;
}

interface AgentState {
  /** What the lives before this one have left. */
  readonly past: string | undefined;
  /** The results of this life's operations. */
  readonly log: readonly number[];
  /** What it waits for: a bell, or nothing but its turn; or it has come to its end. */
  readonly waits: number | undefined;
  readonly finished: boolean;
  readonly deaths: number;
}

export interface Result {
  readonly states: number;
  readonly ends: number;
  readonly deaths: number;
}

export interface Exploration {
  readonly machine: Machine;
  readonly programs: readonly [Program, Program];
  /** How many deaths there may be in one run. */
  readonly deaths: number;
  /** Called where nothing can happen any more, each program being in the state that it has there. */
  readonly atEnd: (finished: readonly boolean[], deaths: readonly number[]) => void;
}

/** The agent that runs now, for the operations to be made in its name. */
export class Stepper {
  readonly #machine: Machine;
  agent: Agent = 0;
  #log: number[] = [];
  #at = 0;
  /** Steps that may still be taken, and operations until a death. */
  #steps = 0;
  #operationsToDeath = Number.POSITIVE_INFINITY;
  /** Thrown again and again until it has come through whatever `finally` does. */
  #unwinding: symbol | undefined;
  waits: number | undefined;
  /** Operations that were new. */
  performed = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  step(perform: (machine: Machine, agent: Agent) => number, waits?: number): number {
    return this.#operate(perform, true, waits);
  }

  plain(perform: (machine: Machine, agent: Agent) => number): number {
    return this.#operate(perform, false);
  }

  /** Runs a life up to the step after `steps` new ones, or to its death after so many new operations. */
  run(
    agent: Agent,
    program: Program,
    before: AgentState,
    steps: number,
    operationsToDeath: number,
  ): AgentState {
    this.performed = 0;
    program.restore(before.past);
    const { past, deaths } = before;
    const how = this.#live(agent, program, before.log, steps, operationsToDeath);
    if (how !== DEATH)
      return { past, log: this.#log, waits: this.waits, finished: how === undefined, deaths };
    // The next life comes to its first step.
    const left = program.save();
    this.#live(agent, program, [], 0, Number.POSITIVE_INFINITY);
    return { past: left, log: [], waits: this.waits, finished: false, deaths: deaths + 1 };
  }

  /** How the life stopped; undefined: it came to its end. */
  #live(
    agent: Agent,
    program: Program,
    log: readonly number[],
    steps: number,
    operationsToDeath: number,
  ): symbol | undefined {
    this.agent = agent;
    this.#log = [...log];
    this.#at = 0;
    this.#steps = steps;
    this.#operationsToDeath = operationsToDeath;
    this.#unwinding = undefined;
    this.waits = undefined;
    try {
      program.live();
      return undefined;
    } catch (error) {
      if (error !== PAUSE && error !== DEATH) throw error;
      return error;
    }
  }

  #operate(perform: (machine: Machine, agent: Agent) => number, isStep: boolean, waits?: number): number {
    if (this.#unwinding !== undefined) throw this.#unwinding;
    if (this.#at < this.#log.length) return this.#log[this.#at++] as number;
    if (this.#operationsToDeath-- === 0) this.#unwind(DEATH);
    if (isStep && this.#steps-- === 0) {
      this.waits = waits;
      this.#unwind(PAUSE);
    }
    const result = perform(this.#machine, this.agent);
    this.performed++;
    this.#log.push(result);
    this.#at++;
    return result;
  }

  #unwind(how: symbol): never {
    this.#unwinding = how;
    throw how;
  }
}

const BEGINNING: AgentState = { past: undefined, log: [], waits: undefined, finished: false, deaths: 0 };

export function explore({ machine, programs, deaths, atEnd }: Exploration, stepper: Stepper): Result {
  const seen = new Set<string>();
  const result = { states: 0, ends: 0, deaths: 0 };

  const visit = (saved: Snapshot, agents: readonly AgentState[]): void => {
    const key = [
      Buffer.from(saved.memory).toString('latin1'),
      saved.bells.join(),
      ...agents.map(({ past, log, finished, deaths }) => `${past}/${log.join()}/${finished}/${deaths}`),
    ].join('|');
    if (seen.has(key)) return;
    seen.add(key);
    result.states++;
    let moved = false;
    for (let agent = 0 as Agent; agent < AGENTS; agent++) {
      const state = agents[agent] as AgentState;
      if (state.finished) continue;
      const ready = state.waits === undefined || (saved.bells[state.waits] as number) > 0;
      const go = (operationsToDeath: number): number => {
        machine.restore(saved);
        const after = stepper.run(agent, programs[agent] as Program, state, 1, operationsToDeath);
        const { performed } = stepper;
        const next = [...agents];
        next[agent] = after;
        visit(machine.save(), next);
        return performed;
      };
      let operations = 0;
      if (ready) {
        moved = true;
        operations = go(Number.POSITIVE_INFINITY);
      }
      if (agents.reduce((sum, { deaths }) => sum + deaths, 0) === deaths) continue;
      // Dead before the step, while it waits even; or after it, before any of the plain operations that follow.
      for (let survived = 0; survived < Math.max(operations, 1); survived++) {
        result.deaths++;
        go(survived);
      }
    }
    if (moved) return;
    result.ends++;
    // Brings the programs to what they have seen here.
    for (let agent = 0 as Agent; agent < AGENTS; agent++) {
      machine.restore(saved);
      stepper.run(
        agent,
        programs[agent] as Program,
        agents[agent] as AgentState,
        0,
        Number.POSITIVE_INFINITY,
      );
    }
    atEnd(
      agents.map(({ finished }) => finished),
      agents.map(({ deaths }) => deaths),
    );
  };

  // Each agent comes to its first step.
  const agents = programs.map((program, agent) =>
    stepper.run(agent as Agent, program, BEGINNING, 0, Number.POSITIVE_INFINITY),
  );
  visit(machine.save(), agents);
  return result;
}
