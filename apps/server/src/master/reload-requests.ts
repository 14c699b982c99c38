import type { ReloadOptions, ReloadResult } from '../reload.js';
import type { ToManager } from '../role.js';

/** What the master has asked its manager for, and waits for. */
export class ReloadRequests {
  readonly #tell: (message: ToManager) => boolean;
  readonly #waiting = new Map<number, (result: ReloadResult) => void>();
  #next = 0;

  constructor(tell: (message: ToManager) => boolean) {
    this.#tell = tell;
  }

  ask(options: ReloadOptions): Promise<ReloadResult> {
    return this.#ask((request) => ({ reload: request, options }));
  }

  askToStop(worker: number): Promise<ReloadResult> {
    return this.#ask((request) => ({ stopWorker: worker, request }));
  }

  #ask(message: (request: number) => ToManager): Promise<ReloadResult> {
    return new Promise((resolve) => {
      const request = this.#next++;
      if (this.#tell(message(request))) this.#waiting.set(request, resolve);
      else resolve({ outcome: 'failed', replaced: 0, advice: 'There is no manager now: ask again.' });
    });
  }

  answered(request: number, result: ReloadResult): void {
    this.#waiting.get(request)?.(result);
    this.#waiting.delete(request);
  }

  /** The manager has ended: its processes are new ones by the next time that there is one. */
  managerEnded(stopping: boolean): void {
    const advice =
      'The manager ended in the middle of the reload; its successor has started all processes anew.';
    const result: ReloadResult = stopping
      ? { outcome: 'stopped', replaced: 0 }
      : { outcome: 'failed', replaced: 0, advice };
    for (const resolve of this.#waiting.values()) resolve(result);
    this.#waiting.clear();
  }
}
