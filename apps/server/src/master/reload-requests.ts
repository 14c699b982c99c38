import type { ToManager } from '../contract/control-messages.js';
import type { PeerId } from '../contract/ids.js';
import type { ReloadOptions, ReloadResult } from '../contract/reload.js';

interface Request {
  readonly message: ToManager;
  readonly resolve: (result: ReloadResult) => void;
}

/** What the master has asked its manager for, and waits for: reloads, and other processes in the places of single ones. */
export class ReloadRequests {
  readonly #tell: (message: ToManager) => boolean;
  /** Of the manager that there is. */
  readonly #asked = new Map<number, Request>();
  /** For the manager that is to come: there is none now. */
  readonly #unasked = new Map<number, Request>();
  #next = 0;

  constructor(tell: (message: ToManager) => boolean) {
    this.#tell = tell;
  }

  /** Resolves when the reload is through, which begins after this call; without a manager, when the next is there. */
  ask(options: ReloadOptions): Promise<ReloadResult> {
    return this.#request((request) => ({ type: 'reload', request, options }));
  }

  askToStop(worker: PeerId): Promise<ReloadResult> {
    return this.#request((request) => ({ type: 'stopWorker', request, worker }));
  }

  answered(request: number, result: ReloadResult): void {
    this.#asked.get(request)?.resolve(result);
    this.#asked.delete(request);
  }

  /** The manager ends without having begun it, and the server goes on. */
  notBegun(number: number): void {
    const request = this.#asked.get(number);
    if (request === undefined) return;
    this.#asked.delete(number);
    this.#unasked.set(number, request);
  }

  /** There is a manager. */
  managerSpawned(): void {
    const unasked = [...this.#unasked];
    this.#unasked.clear();
    for (const [number, request] of unasked) this.#ask(number, request);
  }

  /**
   * The manager has ended, and its processes with it. Whether the reload has come to its end cannot be told; its
   * successor is not asked again, for it may have been the reload that ended it.
   */
  managerEnded(stopping: boolean): void {
    this.#settle(this.#asked, stopping);
  }

  /** The server ends: what has not been asked of the manager yet does not happen. */
  close(): void {
    this.#settle(this.#unasked, true);
  }

  #request(message: (request: number) => ToManager): Promise<ReloadResult> {
    const number = this.#next++;
    return new Promise((resolve) => this.#ask(number, { message: message(number), resolve }));
  }

  #ask(number: number, request: Request): void {
    (this.#tell(request.message) ? this.#asked : this.#unasked).set(number, request);
  }

  #settle(requests: Map<number, Request>, stopping: boolean): void {
    const advice =
      'The manager ended before it had told of the reload. The next one starts all workers and task workers anew: ' +
      'see that they come up, and reload again if you are not sure.';
    const result: ReloadResult = stopping
      ? { outcome: 'stopped', replaced: 0 }
      : { outcome: 'failed', replaced: 0, advice };
    for (const { resolve } of requests.values()) resolve(result);
    requests.clear();
  }
}
