import type { Child } from '../child.js';

/** What the processes of an echo tell of themselves where `announce` is set, one line each. */
export type Announcement =
  | { readonly manager: number }
  | { readonly worker: number; readonly pid: number }
  | { readonly reloaded: boolean };

export function announce(announcement: Announcement): void {
  console.log(JSON.stringify(announcement));
}

/** What an echo has told last, and the wait for it to tell more. */
export class Announcements {
  readonly #child: Child;
  /** Where it listens; 0 as long as it has not told. */
  port = 0;
  /** Process ids. */
  manager = 0;
  /** Of the workers, by their ids. */
  readonly workers = new Map<number, number>();
  reloads = 0;
  failedReloads = 0;

  constructor(child: Child) {
    this.#child = child;
  }

  /** Reads on until `condition` holds; throws when the server ends before. */
  async until(condition: (told: this) => boolean): Promise<void> {
    while (!condition(this)) this.#take(await this.#child.next<Announcement | number>());
  }

  #take(told: Announcement | number): void {
    if (typeof told === 'number') this.port = told;
    else if ('manager' in told) this.manager = told.manager;
    else if ('reloaded' in told) told.reloaded ? this.reloads++ : this.failedReloads++;
    else this.workers.set(told.worker, told.pid);
  }

  /** The process id of worker 0; 0 as long as it has not told. */
  get worker(): number {
    return this.workers.get(0) ?? 0;
  }
}
