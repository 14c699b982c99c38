/** A place for one task of a host: open while there is a task process for it. */
export class Slot {
  #controller = new AbortController();
  #opened: (() => void) | undefined;

  constructor() {
    this.#controller.abort();
  }

  /** Aborted while it is closed: nothing is claimed for it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  open(): void {
    if (!this.signal.aborted) return;
    this.#controller = new AbortController();
    this.wake();
  }

  close(): void {
    this.#controller.abort();
  }

  /** Ends the wait for its opening, where the host ends. */
  wake(): void {
    this.#opened?.();
    this.#opened = undefined;
  }

  /** Resolves when it is opened, or woken. */
  async whenOpened(): Promise<void> {
    if (!this.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#opened = resolve;
    });
  }
}

/** The slots of a host, as many of them open as its task processes can run at once. */
export class Slots {
  readonly all: readonly Slot[];
  readonly #each: number;
  /** Task processes that are ready, by their number. */
  readonly #ready = new Set<number>();
  #closed = false;

  constructor(workers: number, each: number) {
    this.all = Array.from({ length: workers * each }, () => new Slot());
    this.#each = each;
  }

  get open(): number {
    return this.#closed ? 0 : this.#ready.size * this.#each;
  }

  /** No task process is there at the moment. */
  get vacant(): boolean {
    return this.#ready.size === 0;
  }

  get closed(): boolean {
    return this.#closed;
  }

  ready(worker: number): void {
    this.#ready.add(worker);
    this.#adjust();
  }

  ended(worker: number): void {
    this.#ready.delete(worker);
    this.#adjust();
  }

  /** For good. */
  close(): void {
    this.#closed = true;
    this.#adjust();
    for (const slot of this.all) slot.wake();
  }

  #adjust(): void {
    const { open } = this;
    for (const [index, slot] of this.all.entries())
      if (index < open) slot.open();
      else slot.close();
  }
}
