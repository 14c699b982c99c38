import { Alarm } from '@millrace/channel/internal';
import type { Member, ProcessPool } from '@millrace/process-pool';
import { KILL_GRACE_MS } from '../constants.js';
import { REMOVAL, SHUTDOWN } from '../contract/role.js';

export interface WorkerStopParts {
  readonly pool: ProcessPool;
  readonly maxWaitTime: number;
  /** Whether what the workers have not read has no other reader: the server has let clients in, and ends. */
  readonly drains: boolean;
}

/**
 * Ends workers. Where the whole server ends, or is scaled down by them, no message that a reactor thread has read may stay in a ring: a worker
 * that is being started in another's place is waited for, and gets its turn to read; one that dies before it has read its
 * last message is followed by another, as it would be at any other time. All of that within the time that one worker has.
 */
export class WorkerStop {
  readonly #parts: WorkerStopParts;
  readonly #drained = new Set<Member>();
  #changed: () => void = () => {};
  #hurried = false;

  constructor(parts: WorkerStopParts) {
    this.#parts = parts;
  }

  /** The worker has read the last message that there was for it. */
  drained(member: Member): void {
    this.#drained.add(member);
  }

  /** The state of some member may have changed. */
  changed(): void {
    this.#changed();
  }

  /** Nothing is waited for any more. */
  hurry(): void {
    this.#hurried = true;
    this.#changed();
  }

  async run(workers: readonly Member[], mode: string): Promise<void> {
    const { pool, maxWaitTime, drains } = this.#parts;
    const timeout = maxWaitTime + KILL_GRACE_MS;
    if (!drains || (mode !== SHUTDOWN && mode !== REMOVAL))
      return pool.stop({ members: workers, mode, timeout });
    const end = performance.now() + timeout;
    const left = () => Math.max(0, end - performance.now());
    let members = workers;
    while (members.length > 0) {
      await this.#up(members, left());
      await pool.stop({ members, mode, timeout: left() });
      if (this.#hurried || left() === 0) return;
      members = members.filter((member) => !this.#drained.has(member));
      for (const member of members) member.start();
    }
  }

  /** Resolves when each has a process that is ready or will have none, or time is up. */
  async #up(members: readonly Member[], timeout: number): Promise<void> {
    let late = false;
    const alarm = new Alarm(timeout, () => {
      late = true;
      this.#changed();
    });
    while (!late && !this.#hurried && members.some(({ isUp, wanted }) => wanted && !isUp))
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    alarm.cancel();
  }
}
