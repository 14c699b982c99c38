import type { Member } from '@millrace/process-pool';
import type { ToWorker } from './control-messages.js';

/**
 * Which process has the place of each worker and task worker: the rings and pipes that carry its name. The manager
 * gives it to the present process of a member, once no other has it. See worker/place.ts for the other side.
 */
export class Places {
  readonly #onGiven: (member: Member) => void;
  readonly #blocked = new Set<Member>();
  readonly #holders = new Map<Member, number>();
  /** The last that gave it up, and is there still. */
  readonly #leavers = new Map<Member, number>();

  constructor(onGiven: (member: Member) => void) {
    this.#onGiven = onGiven;
  }

  /** Keeps the place from whoever comes next, until `unblock`. */
  block(member: Member): void {
    this.#blocked.add(member);
  }

  unblock(member: Member): void {
    if (this.#blocked.delete(member)) this.offer(member);
  }

  /** The process that has the place. */
  holder(member: Member): number | undefined {
    return this.#holders.get(member);
  }

  /** Gives the place to the present process, if it is free. */
  offer(member: Member): void {
    const { pid } = member;
    if (this.#blocked.has(member)) return;
    if (pid === undefined || this.#holders.has(member) || this.#leavers.get(member) === pid) return;
    this.#holders.set(member, pid);
    member.send({ type: 'place' } satisfies ToWorker);
    this.#onGiven(member);
  }

  /** A process has given it up. */
  released(member: Member, pid: number): void {
    if (this.#holders.get(member) !== pid) return;
    this.#holders.delete(member);
    this.#leavers.set(member, pid);
    this.offer(member);
  }

  /** Whether the place is that process's. */
  isHeldBy(member: Member, pid: number | undefined): boolean {
    return pid !== undefined && this.#holders.get(member) === pid;
  }

  /** A process has ended. */
  ended(member: Member, pid: number | undefined): void {
    if (this.isHeldBy(member, pid)) this.#holders.delete(member);
    if (this.#leavers.get(member) === pid) this.#leavers.delete(member);
    this.offer(member);
  }
}
