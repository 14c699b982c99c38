import { createMemory } from '@millrace/native';
import { check, createSocketPair, SOCK_SEQPACKET, syscalls } from '@millrace/native/syscalls';
import { createPipe } from '@millrace/pipe-ipc';
import { ringAt } from '@millrace/shared-memory/internal';
import type { RingMemory } from '@millrace/shared-memory/ring';
import {
  badPlan,
  bellName,
  type Descriptors,
  DOORBELLS,
  type FindDescriptor,
  type LinkSetLayout,
  PlanLayout,
} from './layout.js';
import { PeerLinks } from './peer-links.js';
import type { LinkPlan } from './plan.js';

/**
 * What a plan comes to: the parent makes all of it before it starts the first child and keeps it, so that it outlives every
 * child. What a dead process had not read its successor reads.
 */
export class Links {
  readonly #layout: PlanLayout;

  /** Throws `ERR_MILLRACE_LINK_PLAN`. */
  constructor(plan: LinkPlan) {
    this.#layout = new PlanLayout(plan);
  }

  /**
   * Makes all of it, for the parent to keep; {@link closeDescriptors} gives it up. Throws `ERR_MILLRACE_NO_MEMORY` or
   * `SystemCallError` when memory or descriptors do not suffice; then nothing is left open.
   */
  create(): Descriptors {
    const { plan, doorbellGroups, doorbellBytes, sets } = this.#layout;
    const made: Record<string, number> = {};
    const memory = (name: string, bytes: number) => {
      made[name] = createMemory(`${plan.label ?? 'millrace'}-${name.replaceAll('.', '-')}`, bytes);
    };
    try {
      if (doorbellBytes > 0) memory(DOORBELLS, doorbellBytes);
      for (const [name, { bytes }] of Object.entries(plan.memories ?? {})) memory(name, bytes);
      for (const group of doorbellGroups) {
        for (let peer = 0; peer < this.#layout.count(group); peer++)
          made[bellName(group, peer)] = check(syscalls.eventfd(), 'eventfd');
      }
      for (const set of sets) createSet(set, made, memory);
      return made;
    } catch (error) {
      closeDescriptors(made);
      throw error;
    }
  }

  /** The names of the descriptors that a peer is to be handed. */
  descriptorsOf(group: string, peer: number): string[] {
    return this.#layout.namesOf(group, peer);
  }

  /** Of all that has been made, the descriptors that a peer is to be handed. */
  handedTo(group: string, peer: number, made: Descriptors): Descriptors {
    const find = findIn(made);
    return Object.fromEntries(this.descriptorsOf(group, peer).map((name) => [name, find(name)]));
  }

  /**
   * Opens a peer's part, in its own process or thread; memory is mapped as it is first asked for. Of one process at a time: each
   * ring has one reader and one writer.
   */
  open(group: string, peer: number, find: FindDescriptor): PeerLinks {
    return new PeerLinks(this.#layout, group, peer, find);
  }

  /** Bytes of the memory of all rings of that name. */
  ringBytes(name: string): number {
    const set = this.#layout.set(name);
    return set.hasRings ? set.to.members.reduce((sum, to) => sum + set.memoryBytes(to), 0) : 0;
  }

  /** The memory of the rings to a peer; undefined where it has none. */
  ringMemory(name: string, to: number): { readonly name: string; readonly bytes: number } | undefined {
    const set = this.#layout.set(name);
    const bytes = set.hasRings ? set.memoryBytes(to) : 0;
    return bytes === 0 ? undefined : { name: set.memoryName(to), bytes };
  }

  /** In that memory, the rings from `from` and back; undefined where the link is a pipe. Nothing is made where nothing is. */
  ringsIn(memory: ArrayBuffer, name: string, from: number, to: number): readonly RingMemory[] | undefined {
    const set = this.#layout.set(name);
    if (set.kind(from, to) !== 'ring') return undefined;
    return set.ringsAt(from, to).map((at) => ringAt(memory, at, set.capacity(from, to)));
  }

  /** What a link is called in a log: its pipe, or the memory that its rings lie in. */
  nameOf(name: string, from: number, to: number): string {
    const set = this.#layout.set(name);
    return set.kind(from, to) === 'ring' ? set.memoryName(to) : `${name}.${from}.${to}`;
  }
}

function createSet(
  set: LinkSetLayout,
  made: Record<string, number>,
  memory: (name: string, bytes: number) => void,
): void {
  for (const to of set.to.members) {
    if (set.isInbox) {
      const { left, right } = createPipe();
      made[set.readName(to)] = left;
      made[set.writeName(to)] = right;
      continue;
    }
    const bytes = set.memoryBytes(to);
    if (bytes > 0) memory(set.memoryName(to), bytes);
    for (const from of set.from.members) {
      const kind = set.kind(from, to);
      if (kind === 'ring') continue;
      const [left, right] = kind === 'pipe' ? pipeEnds() : createSocketPair(SOCK_SEQPACKET);
      made[set.fromName(from, to)] = left;
      made[set.toName(from, to)] = right;
    }
  }
}

function pipeEnds(): readonly [number, number] {
  const { left, right } = createPipe();
  return [left, right];
}

/** Closes all of them. */
export function closeDescriptors(descriptors: Descriptors): void {
  for (const fd of Object.values(descriptors)) syscalls.close(fd);
}

/** Finds descriptors among these. */
export function findIn(descriptors: Descriptors): FindDescriptor {
  return (name) => {
    const fd = descriptors[name];
    if (fd === undefined) throw badPlan(`There is no descriptor '${name}' here`);
    return fd;
  };
}
