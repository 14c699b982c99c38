import type { Member } from '@millrace/process-pool';
import type { ToWorker } from '../contract/control-messages.js';

/**
 * Which process has the place of each worker and task worker: the rings and pipes that carry its name. The manager
 * gives it to the present process of a member, once no other has it. See worker/place.ts for the other side.
 */
export class RoleLeases {
  readonly #onGranted: (member: Member) => void;
  /** How many reasons there are to keep a place from the next process. */
  readonly #blocked = new Map<Member, number>();
  readonly #holders = new Map<Member, number>();
  /** The last that gave it up, and is there still. */
  readonly #releasing = new Map<Member, number>();

  constructor(onGranted: (member: Member) => void) {
    this.#onGranted = onGranted;
  }

  /** Keeps the place from the next process, until `unblock` has been called as often. */
  block(member: Member): void {
    this.#blocked.set(member, (this.#blocked.get(member) ?? 0) + 1);
  }

  unblock(member: Member): void {
    const left = (this.#blocked.get(member) ?? 0) - 1;
    if (left > 0) return void this.#blocked.set(member, left);
    if (this.#blocked.delete(member)) this.grant(member);
  }

  /** The process that has the place. */
  holder(member: Member): number | undefined {
    return this.#holders.get(member);
  }

  /** Gives the place to the present process, if it is free. */
  grant(member: Member): void {
    const { pid } = member;
    if (this.#blocked.has(member)) return;
    if (pid === undefined || this.#holders.has(member) || this.#releasing.get(member) === pid) return;
    this.#holders.set(member, pid);
    // First, while what belongs to the place has no other writer.
    this.#onGranted(member);
    member.send({ type: 'lease' } satisfies ToWorker);
  }

  /** A process has given it up. */
  released(member: Member, pid: number): void {
    if (this.#holders.get(member) !== pid) return;
    this.#holders.delete(member);
    this.#releasing.set(member, pid);
    this.grant(member);
  }

  /** Whether the place is that process's. */
  isHeldBy(member: Member, pid: number | undefined): boolean {
    return pid !== undefined && this.#holders.get(member) === pid;
  }

  /** A process has ended. */
  ended(member: Member, pid: number | undefined): void {
    if (this.isHeldBy(member, pid)) this.#holders.delete(member);
    if (this.#releasing.get(member) === pid) this.#releasing.delete(member);
    this.grant(member);
  }
}
