import type { Member } from '@millrace/process-pool';
import type { FromManager, ToWorker } from '../contract/control-messages.js';
import { asWorker, type PeerId } from '../contract/ids.js';
import { asidePeer, type Topology } from '../links/topology.js';
import { assignmentOf } from './members.js';
import type { RoleLeases } from './role-leases.js';

interface Retiree {
  readonly member: Member;
  /** The process that has the aside links; undefined: it has ended, and its clients are being told. */
  pid: number | undefined;
  /** Processes that are to have them next. */
  readonly waiting: number[];
}

/**
 * Processes of workers that give their places up and keep their connections for a while, by the aside links of that worker: one of
 * each at a time.
 *
 *   a process asks for the links → has them → gives its place up → has ended → the reactor threads tell its clients → the next may ask
 */
export class Retirees {
  readonly #topology: Topology;
  readonly #leases: RoleLeases;
  readonly #tellMaster: (message: FromManager) => void;
  /** By aside peer. */
  readonly #all = new Map<PeerId, Retiree>();

  constructor(topology: Topology, leases: RoleLeases, tellMaster: (message: FromManager) => void) {
    this.#topology = topology;
    this.#leases = leases;
    this.#tellMaster = tellMaster;
  }

  /** That process is to have the aside links of its worker as soon as no other has them. */
  wanted(member: Member, pid: number): void {
    const peer = this.#peerOf(member);
    // A process that has no place has no connections to keep.
    if (peer === undefined || !this.#leases.isHeldBy(member, pid)) return;
    const retiree = this.#all.get(peer);
    if (retiree !== undefined) return void retiree.waiting.push(pid);
    this.#all.set(peer, { member, pid, waiting: [] });
    grant(member, pid);
  }

  /** A process has ended; before its place is given to another, where it had that still. */
  ended(member: Member, pid: number | undefined): void {
    const peer = this.#peerOf(member);
    const retiree = peer === undefined ? undefined : this.#all.get(peer);
    if (peer === undefined || retiree === undefined || pid === undefined) return;
    if (retiree.pid === pid) this.#vacate(peer, retiree);
    else if (retiree.waiting.includes(pid)) retiree.waiting.splice(retiree.waiting.indexOf(pid), 1);
  }

  /** The manager before this one has died, and its processes with it. */
  succeed(members: Iterable<Member>): void {
    for (const member of members) {
      const peer = this.#peerOf(member);
      if (peer === undefined) continue;
      const retiree: Retiree = { member, pid: undefined, waiting: [] };
      this.#all.set(peer, retiree);
      this.#vacate(peer, retiree);
    }
  }

  /** The clients of the process that was that peer have been told. */
  settled(peer: PeerId): void {
    const retiree = this.#all.get(peer);
    if (retiree === undefined) return;
    const { member, waiting } = retiree;
    retiree.pid = waiting.shift();
    if (retiree.pid === undefined) this.#all.delete(peer);
    else grant(member, retiree.pid);
    this.#leases.unblock(member);
  }

  /** What that process has sent by its aside links makes no sense. */
  corrupt(peer: PeerId): void {
    const { pid } = this.#all.get(peer) ?? {};
    if (pid !== undefined) kill(pid);
  }

  /** It may have had its place still: the next one gets that when both are settled. */
  #vacate(peer: PeerId, retiree: Retiree): void {
    retiree.pid = undefined;
    this.#leases.block(retiree.member);
    this.#tellMaster({ type: 'workerDied', peer });
  }

  #peerOf(member: Member): PeerId | undefined {
    const { role, id } = assignmentOf(member);
    return role === 'worker' && this.#topology.aside ? asidePeer(this.#topology, asWorker(id)) : undefined;
  }
}

function grant(member: Member, pid: number): void {
  member.sendAll({ type: 'aside', pid } satisfies ToWorker);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
