/**
 * A memory that two agents share, one operation at a time.
 *
 * Atomic operations and those on event descriptors are steps, between which anything may happen; plain ones belong to the
 * step before them. That is sound where no plain access races with another, which is checked for each by vector clocks:
 * then a machine with weaker ordering shows nothing that is not seen here.
 */
export type Agent = 0 | 1;
const AGENTS = 2;

/** Two counts of events, one for each agent: what an agent knows of itself and of the other. */
type Clock = readonly [number, number];

/** The event descriptors, as the agents' own names for them. */
export const BELLS = [100, 101] as const;

export interface Snapshot {
  readonly memory: Uint8Array;
  readonly bells: readonly number[];
  readonly clocks: readonly Clock[];
  readonly published: ReadonlyMap<number, Clock>;
  readonly written: ReadonlyMap<number, readonly [Agent, number]>;
  readonly read: ReadonlyMap<string, number>;
}

export class Race extends Error {}

export class Machine {
  memory: Uint8Array;
  #words: Int32Array;
  bells: number[] = [0, 0];
  #clocks: Clock[] = [
    [1, 0],
    [0, 1],
  ];
  /** By word: what the last atomic store tells who loads it. */
  #published = new Map<number, Clock>();
  /** By word: the last plain store. */
  #written = new Map<number, readonly [Agent, number]>();
  /** By word and agent: the last plain load. */
  #read = new Map<string, number>();

  constructor(bytes: number) {
    this.memory = new Uint8Array(bytes);
    this.#words = new Int32Array(this.memory.buffer);
  }

  save(): Snapshot {
    return {
      memory: this.memory.slice(),
      bells: [...this.bells],
      clocks: [...this.#clocks],
      published: new Map(this.#published),
      written: new Map(this.#written),
      read: new Map(this.#read),
    };
  }

  restore(saved: Snapshot): void {
    this.memory.set(saved.memory);
    this.bells = [...saved.bells];
    this.#clocks = [...saved.clocks];
    this.#published = new Map(saved.published);
    this.#written = new Map(saved.written);
    this.#read = new Map(saved.read);
  }

  atomicLoad(agent: Agent, word: number): number {
    this.#learn(agent, word);
    return this.#words[word] as number;
  }

  atomicStore(agent: Agent, word: number, value: number): number {
    this.#words[word] = value;
    this.#tell(agent, word);
    return value;
  }

  atomicExchange(agent: Agent, word: number, value: number): number {
    const before = this.atomicLoad(agent, word);
    this.atomicStore(agent, word, value);
    return before;
  }

  plainLoad(agent: Agent, byte: number, wide: boolean): number {
    const word = byte >> 2;
    this.#mustKnow(agent, word, this.#written.get(word), 'stored');
    this.#read.set(`${word} ${agent}`, this.#now(agent));
    return wide ? (this.#words[word] as number) : (this.memory[byte] as number);
  }

  plainStore(agent: Agent, byte: number, value: number, wide: boolean): void {
    const word = byte >> 2;
    const other: Agent = agent === 0 ? 1 : 0;
    this.#mustKnow(agent, word, this.#written.get(word), 'stored');
    const seen = this.#read.get(`${word} ${other}`);
    this.#mustKnow(agent, word, seen === undefined ? undefined : [other, seen], 'loaded');
    this.#written.set(word, [agent, this.#now(agent)]);
    if (wide) this.#words[word] = value;
    else this.memory[byte] = value;
  }

  #now(agent: Agent): number {
    return this.#clocks[agent]?.[agent] as number;
  }

  #mustKnow(agent: Agent, word: number, event: readonly [Agent, number] | undefined, what: string): void {
    if (event === undefined || event[0] === agent) return;
    const known = this.#clocks[agent]?.[event[0]] as number;
    if (event[1] > known)
      throw new Race(`Word ${word} is used by ${agent} while ${event[0]} has ${what} it.`);
  }

  #learn(agent: Agent, word: number): void {
    const told = this.#published.get(word);
    if (told === undefined) return;
    const own = this.#clocks[agent] as Clock;
    this.#clocks[agent] = [Math.max(own[0], told[0]), Math.max(own[1], told[1])];
  }

  #tell(agent: Agent, word: number): void {
    const own = this.#clocks[agent] as Clock;
    this.#published.set(word, own);
    this.#clocks[agent] = agent === 0 ? [own[0] + 1, own[1]] : [own[0], own[1] + 1];
  }
}

export { AGENTS };
