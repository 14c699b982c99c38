import type { Member } from '@millrace/process-pool';
import type { FromManager } from '../contract/control-messages.js';
import { asWorker, type PeerId } from '../contract/ids.js';
import type { Topology } from '../links/topology.js';
import { assignmentOf } from './members.js';
import type { RoleLeases } from './role-leases.js';

/**
 * Places of workers that no process has: the next one gets the place when the clients of the one before have been told what has
 * become of their requests. Until then both could answer the same one. Clients of messages have no requests: the next process need not
 * wait until they are known to it. In base mode connections end with their worker.
 *
 *   its process has ended, or given the place up → the reactor threads tell its clients → the next process gets the lease
 */
export class Vacancies {
  readonly #leases: RoleLeases;
  readonly #topology: Pick<Topology, 'aside' | 'base'>;
  readonly #tellMaster: (message: FromManager) => void;
  readonly #onVacant: (member: Member) => void;
  /** How many processes of the place have ended whose clients are being told. */
  readonly #waiting = new Map<PeerId, { readonly member: Member; ended: number }>();

  /** `onVacant`: the clients have been told, and no process has the place yet. */
  constructor(
    leases: RoleLeases,
    topology: Pick<Topology, 'aside' | 'base'>,
    tellMaster: (message: FromManager) => void,
    onVacant: (member: Member) => void,
  ) {
    this.#onVacant = onVacant;
    this.#leases = leases;
    this.#topology = topology;
    this.#tellMaster = tellMaster;
  }

  /** The process of that pid is about to have its place no more. */
  begin(member: Member, pid: number | undefined): void {
    if (this.#leases.isHeldBy(member, pid)) this.#begin(member);
  }

  /** The manager before this one has died, and its processes with it. */
  succeed(members: Iterable<Member>): void {
    for (const member of members) this.#begin(member);
  }

  settled(peer: PeerId): void {
    const waiting = this.#waiting.get(peer);
    if (waiting === undefined || --waiting.ended > 0) return;
    const { member } = waiting;
    this.#waiting.delete(peer);
    if (this.#leases.holder(member) === undefined) this.#onVacant(member);
    if (this.#topology.aside) this.#leases.unblock(member);
  }

  #begin(member: Member): void {
    const { role, id } = assignmentOf(member);
    const worker = asWorker(id);
    if (this.#topology.base !== undefined || role !== 'worker') return;
    const waiting = this.#waiting.get(worker);
    if (waiting === undefined) {
      this.#waiting.set(worker, { member, ended: 1 });
      // Two ways to the reactor threads and back, each with a wake-up.
      if (this.#topology.aside) this.#leases.block(member);
    } else {
      // One that had the place at once has ended meanwhile.
      waiting.ended++;
    }
    this.#tellMaster({ type: 'workerDied', peer: worker });
  }
}
