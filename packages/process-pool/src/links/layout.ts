import { DOORBELL_BYTES } from '@millrace/shared-memory/internal';
import { ringBytes } from '@millrace/shared-memory/ring';
import { ProcessPoolError } from '../errors.js';
import type { LinkKind, LinkPlan, LinkSet, Side } from './plan.js';

/**
 * Where everything of a plan lies, and by which names its descriptors go. The rings to one peer lie in one memory; for each
 * peer of the other side, in turn, two rings:
 *
 *   LINKS.TO   ┌─────────────┬─────────────┬─────────────┬─────────────┬─ … ─┐
 *              │ from 0 → to │ to → from 0 │ from 1 → to │ to → from 1 │     │
 *              └─────────────┴─────────────┴─────────────┴─────────────┴─ … ─┘
 *
 * Links of that set which are pipes take no room there. The words of all doorbells lie in one memory, group by group:
 *
 *   doorbells  ┌──────────────────────────┬──────────────────────────┬─ … ─┐
 *              │ peers 0, 1, … of group A │ peers 0, 1, … of group B │     │
 *              └──────────────────────────┴──────────────────────────┴─ … ─┘
 *
 *   name                    descriptor of
 *   LINKS.TO                the memory of the rings to peer TO
 *   LINKS.FROM.TO.from      the end of a pipe or socket pair that FROM has
 *   LINKS.FROM.TO.to        the end that TO has
 *   LINKS.TO.read           the end of an inbox that TO reads
 *   LINKS.TO.write          the end that all others write to
 *   GROUP.N.bell            the event descriptor that wakes peer N
 *   doorbells               the memory of the doorbells' words
 */
export const DOORBELLS = 'doorbells';

/** Descriptors by name; the names are the same in every process, the numbers are each process's own. */
export type Descriptors = Readonly<Record<string, number>>;

/** Finds a descriptor of this process by its name; throws where there is none. */
export type FindDescriptor = (name: string) => number;

export const bellName = (group: string, peer: number) => `${group}.${peer}.bell`;

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** A side with its members spelled out. */
export interface Members {
  readonly group: string;
  readonly members: readonly number[];
}

/** A set of links, with the names and places of each. */
export class LinkSetLayout {
  readonly name: string;
  readonly from: Members;
  readonly to: Members;
  readonly set: LinkSet;
  /** Of each `to`: where the rings of each member of `from` begin, and at last where they end. */
  readonly #offsets = new Map<number, readonly number[]>();

  constructor(name: string, set: LinkSet, plan: LinkPlan) {
    this.name = name;
    this.set = set;
    this.from = membersOf(set.from, plan, name);
    this.to = membersOf(set.to, plan, name);
    if (set.kind !== 'inbox' && this.from.group === this.to.group)
      throw badPlan(`Both sides of the links '${name}' are of the group '${this.from.group}'`);
    if (this.#mayHaveRings && set.bytes === undefined)
      throw badPlan(`The links '${name}' may be rings, and have no 'bytes'`);
  }

  get isInbox(): boolean {
    return this.set.kind === 'inbox';
  }

  get #mayHaveRings(): boolean {
    return typeof this.set.kind === 'function' || this.set.kind === 'ring';
  }

  kind(from: number, to: number): LinkKind {
    const { kind } = this.set;
    return typeof kind === 'function' ? kind(from, to) : kind;
  }

  /** Whether one of them is of two rings. */
  get hasRings(): boolean {
    return this.#mayHaveRings && this.to.members.some((to) => this.memoryBytes(to) > 0);
  }

  /** Bytes of each ring of a link. */
  capacity(from: number, to: number): number {
    return this.set.bytes?.(from, to) ?? 0;
  }

  /** Bytes of all rings to that peer; 0: it has none. */
  memoryBytes(to: number): number {
    return this.#offsetsOf(to).at(-1) as number;
  }

  /** Where the two rings of a link begin in the memory of `to`. */
  ringsAt(from: number, to: number): readonly [down: number, up: number] {
    const at = this.#offsetsOf(to)[this.from.members.indexOf(from)];
    if (at === undefined) throw badPlan(`Peer ${from} of '${this.from.group}' has no link of '${this.name}'`);
    return [at, at + ringBytes(this.capacity(from, to))];
  }

  memoryName(to: number): string {
    return `${this.name}.${to}`;
  }

  fromName(from: number, to: number): string {
    return `${this.name}.${from}.${to}.from`;
  }

  toName(from: number, to: number): string {
    return `${this.name}.${from}.${to}.to`;
  }

  readName(to: number): string {
    return `${this.name}.${to}.read`;
  }

  writeName(to: number): string {
    return `${this.name}.${to}.write`;
  }

  /** The names that a peer of `from` is handed. */
  *namesOfFrom(from: number): Generator<string> {
    for (const to of this.to.members) {
      if (this.isInbox) {
        if (this.from.group !== this.to.group || from !== to) yield this.writeName(to);
      } else if (this.kind(from, to) !== 'ring') {
        yield this.fromName(from, to);
      } else {
        yield this.memoryName(to);
        yield bellName(this.to.group, to);
      }
    }
  }

  /** The names that a peer of `to` is handed. */
  *namesOfTo(to: number): Generator<string> {
    if (this.isInbox) return yield this.readName(to);
    for (const from of this.from.members) {
      if (this.kind(from, to) !== 'ring') {
        yield this.toName(from, to);
      } else {
        yield this.memoryName(to);
        yield bellName(this.from.group, from);
      }
    }
  }

  #offsetsOf(to: number): readonly number[] {
    let offsets = this.#offsets.get(to);
    if (offsets === undefined) {
      let at = 0;
      const begins = this.from.members.map((from) => {
        const begin = at;
        if (this.kind(from, to) === 'ring') at += 2 * ringBytes(this.capacity(from, to));
        return begin;
      });
      offsets = [...begins, at];
      this.#offsets.set(to, offsets);
    }
    return offsets;
  }
}

/** A plan, with the names and places of all that it asks for. */
export class PlanLayout {
  readonly plan: LinkPlan;
  readonly sets: readonly LinkSetLayout[];
  /** Groups that have doorbells, in the order in which their words lie. */
  readonly doorbellGroups: readonly string[];

  /** Throws `ERR_MILLRACE_LINK_PLAN`. */
  constructor(plan: LinkPlan) {
    this.plan = plan;
    this.sets = Object.entries(plan.links).map(([name, set]) => new LinkSetLayout(name, set, plan));
    const ringed = this.sets.filter((set) => set.hasRings).flatMap(({ from, to }) => [from.group, to.group]);
    this.doorbellGroups = [...new Set([...(plan.doorbells ?? []), ...ringed])];
    for (const group of this.doorbellGroups) this.count(group);
  }

  /** How many peers a group has. */
  count(group: string): number {
    const count = this.plan.peers[group];
    if (count === undefined) throw badPlan(`There is no group '${group}' of peers`);
    return count;
  }

  set(name: string): LinkSetLayout {
    const set = this.sets.find((one) => one.name === name);
    if (set === undefined) throw badPlan(`There are no links '${name}'`);
    return set;
  }

  get doorbellBytes(): number {
    return this.doorbellGroups.reduce((sum, group) => sum + this.count(group) * DOORBELL_BYTES, 0);
  }

  /** Where the word of a peer's doorbell lies. */
  doorbellAt(group: string, peer: number): number {
    let at = 0;
    for (const one of this.doorbellGroups) {
      if (one === group) return at + peer * DOORBELL_BYTES;
      at += this.count(one) * DOORBELL_BYTES;
    }
    throw badPlan(`The group '${group}' has no doorbells`);
  }

  /** The names that a peer is handed, each once. */
  namesOf(group: string, peer: number): string[] {
    const names = new Set<string>();
    if (this.doorbellGroups.length > 0) names.add(DOORBELLS);
    if (this.doorbellGroups.includes(group)) names.add(bellName(group, peer));
    for (const [name, memory] of Object.entries(this.plan.memories ?? {}))
      if (memory.groups.includes(group)) names.add(name);
    for (const set of this.sets) {
      const isIn = (side: Members) => side.group === group && side.members.includes(peer);
      if (isIn(set.from)) for (const name of set.namesOfFrom(peer)) names.add(name);
      if (isIn(set.to)) for (const name of set.namesOfTo(peer)) names.add(name);
    }
    return [...names];
  }
}

function membersOf(side: Side, { peers }: LinkPlan, name: string): Members {
  const { group, members } = typeof side === 'string' ? { group: side, members: undefined } : side;
  const count = peers[group];
  if (count === undefined) throw badPlan(`The links '${name}' are of a group '${group}' that there is not`);
  const stranger = members?.find((peer) => !Number.isInteger(peer) || peer < 0 || peer >= count);
  if (stranger !== undefined)
    throw badPlan(`The links '${name}' are of peer ${stranger} of '${group}', which has ${count}`);
  return { group, members: members ?? range(count) };
}

export function badPlan(what: string): ProcessPoolError {
  return new ProcessPoolError(
    'ERR_MILLRACE_LINK_PLAN',
    `${what}: every process makes the plan of the same options, and uses it as it says.`,
  );
}
