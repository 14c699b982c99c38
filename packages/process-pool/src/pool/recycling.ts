import type { Member } from '../member/member.js';
import { residentBytes } from './status.js';

/** Milliseconds between checks of the memory of members that have a limit. */
const CHECK_MS = 1_000;
/** Milliseconds until a process is replaced for the next time, after a replacement has not come up. */
const PAUSE_MS = 10_000;

/** Replaces processes that have served their time: that have done their jobs, or have grown above their limit. */
export class Recycling {
  readonly #notBefore = new WeakMap<Member, number>();
  #check: NodeJS.Timeout | undefined;

  /** Checks the memory of members from now on, when any of them has a limit. */
  watch(members: () => readonly Member[]): void {
    if (this.#check || !members().some(({ spec }) => spec.maxMemory !== undefined)) return;
    this.#check = setInterval(() => {
      for (const member of members()) {
        const { maxMemory = Number.POSITIVE_INFINITY } = member.spec;
        const { pid, isUp } = member;
        if (pid !== undefined && isUp && (residentBytes(pid) ?? 0) > maxMemory) this.recycle(member);
      }
    }, CHECK_MS).unref();
  }

  /** Puts another process in a member's place when that is ready; not again soon where it was not. */
  recycle(member: Member): void {
    if (performance.now() < (this.#notBefore.get(member) ?? 0)) return;
    void member.replace('drain').then(({ outcome }) => {
      if (outcome === 'failed') this.#notBefore.set(member, performance.now() + PAUSE_MS);
    });
  }

  close(): void {
    clearInterval(this.#check);
    this.#check = undefined;
  }
}
