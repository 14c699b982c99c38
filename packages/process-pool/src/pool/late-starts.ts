import { availableParallelism } from 'node:os';
import { Alarm } from '@millrace/channel/internal';
import type { Member } from '../member/member.js';

/** Milliseconds after which members begin that start late, whatever those before them have come to. */
const LATE_MS = 400;

/**
 * The start of a pool's members: at once, or, where there are more than processors, those that start late after the others. Six
 * processes that load their modules on two processors are all ready at the end; in two groups the first is ready in half the time.
 */
export class LateStarts {
  #early: readonly Member[] = [];
  #late: readonly Member[] = [];
  #alarm: Alarm | undefined;

  begin(members: readonly Member[]): void {
    const isCrowded = members.length > availableParallelism();
    this.#late = members.filter(({ spec }) => isCrowded && spec.startsLate === true);
    this.#early = members.filter((member) => !this.#late.includes(member));
    for (const member of this.#early) member.start();
    // These may wait for what a late one does.
    if (this.#late.length > 0) this.#alarm = new Alarm(LATE_MS, () => this.#start()).unref();
    this.look();
  }

  /** A member has come up. */
  look(): void {
    if (this.#early.every(({ isUp }) => isUp)) this.#start();
  }

  /** Members are stopped: those that have not begun do not begin after that. */
  cancel(): void {
    this.#alarm?.cancel();
    this.#late = [];
  }

  #start(): void {
    const late = this.#late;
    this.cancel();
    for (const member of late) member.start();
  }
}
