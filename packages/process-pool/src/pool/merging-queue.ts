export interface MergingQueueParts<Request, Result> {
  /** Does what a request asks for; one at a time. */
  readonly run: (request: Request) => Promise<Result>;
  /** One request that does what both ask for. */
  readonly merge: (one: Request, other: Request) => Request;
  /** The result of what is not begun because the queue is closed. */
  readonly stopped: Result;
  /** What runs has another request behind it from now on. */
  readonly overtaken?: () => void;
}

interface Pending<Request, Result> {
  request: Request;
  readonly result: Promise<Result>;
  readonly settle: (result: Result | Promise<Result>) => void;
}

/**
 * Runs one request at a time. The one that runs may have looked already at what has changed since, so whatever is asked
 * for meanwhile, by however many, is merged into one more that follows it. No request is dropped, and each gets the
 * result of a run that began after it was made.
 */
export class MergingQueue<Request, Result> {
  readonly #parts: MergingQueueParts<Request, Result>;
  #next: Pending<Request, Result> | undefined;
  #state: 'held' | 'open' | 'closed';
  #running = false;

  /** `'held'`: what is asked for waits until `open`; `'closed'`: it is refused until then. */
  constructor(parts: MergingQueueParts<Request, Result>, state: 'held' | 'closed') {
    this.#parts = parts;
    this.#state = state;
  }

  /** Whether what is asked for now has to wait for something first. */
  get waits(): boolean {
    return this.#state === 'held' || (this.#state === 'open' && this.#running);
  }

  /** Resolves with the result of a run that begins after this call. */
  ask(request: Request): Promise<Result> {
    const { merge, stopped } = this.#parts;
    if (this.#state === 'closed') return Promise.resolve(stopped);
    if (this.#next !== undefined) {
      this.#next.request = merge(this.#next.request, request);
      return this.#next.result;
    }
    let settle!: Pending<Request, Result>['settle'];
    const result = new Promise<Result>((resolve) => {
      settle = resolve;
    });
    this.#next = { request, result, settle };
    if (this.#running) this.#parts.overtaken?.();
    void this.#work();
    return result;
  }

  /** Nothing is begun until `open`. */
  hold(): void {
    this.#state = 'held';
  }

  open(): void {
    this.#state = 'open';
    void this.#work();
  }

  /** Nothing is begun any more, and who waits for that is told so. What runs comes to its own end. */
  close(): void {
    this.#state = 'closed';
    this.#next?.settle(this.#parts.stopped);
    this.#next = undefined;
  }

  async #work(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#state === 'open' && this.#next !== undefined) {
      const { request, settle } = this.#next;
      this.#next = undefined;
      const result = this.#parts.run(request);
      settle(result);
      // What it fails with is for those who have asked; the next is a run of its own.
      await result.catch(() => {});
    }
    this.#running = false;
  }
}
