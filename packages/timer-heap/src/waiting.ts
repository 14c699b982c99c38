import { checkOptions, type TimerError } from './errors.js';
import type { SleepOptions, TicksOptions } from './options.js';

/** What waiting needs of the heap. */
export interface WaitHost {
  /** Arms a timer; `ended` gets the reason when it is cleared or the heap closes, and nothing when it fires. */
  start(
    ms: number,
    callback: () => void,
    options: { periodic: boolean; ref: boolean; ended: (reason: TimerError) => void },
  ): number;
  clear(id: number): boolean;
}

/** The names of {@link SleepOptions}. */
export const SLEEP_OPTIONS = ['signal', 'ref'];

export function sleep(host: WaitHost, ms: number, options: SleepOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    checkOptions(options, SLEEP_OPTIONS);
    const { signal, ref = true } = options;
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      reject(signal?.reason);
      host.clear(id);
    };
    const fired = () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    };
    const ended = (reason: TimerError) => {
      signal?.removeEventListener('abort', abort);
      reject(reason);
    };
    const id = host.start(ms, fired, { periodic: false, ref, ended });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

type TickResult = IteratorResult<number, undefined>;

/**
 * An iterator over the ticks of one timer. It starts with the first `next`, so one that is never used holds nothing.
 *
 * Ticks that were not asked for in time merge: the next value is then the latest count.
 */
export class Ticks implements AsyncIterableIterator<number, undefined, undefined> {
  readonly #host: WaitHost;
  readonly #ms: number;
  readonly #signal: AbortSignal | undefined;
  readonly #ref: boolean;
  readonly #takers: ((result: TickResult) => void)[] = [];
  readonly #end = () => this.#finish();
  #id = 0;
  #count = 0;
  #delivered = 0;
  #done = false;

  constructor(host: WaitHost, ms: number, { signal, ref = true }: TicksOptions) {
    this.#host = host;
    this.#ms = ms;
    this.#signal = signal;
    this.#ref = ref;
  }

  async next(): Promise<TickResult> {
    if (this.#id === 0 && !this.#done) this.#start();
    if (this.#done) return { done: true, value: undefined };
    if (this.#count > this.#delivered) return this.#deliver();
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  async return(): Promise<TickResult> {
    this.#finish();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #start(): void {
    if (this.#signal?.aborted) {
      this.#finish();
      return;
    }
    const options = { periodic: true, ref: this.#ref, ended: this.#end };
    this.#id = this.#host.start(this.#ms, () => this.#tick(), options);
    this.#signal?.addEventListener('abort', this.#end, { once: true });
  }

  #tick(): void {
    this.#count++;
    const take = this.#takers.shift();
    if (take !== undefined) take(this.#deliver());
  }

  #deliver(): TickResult {
    this.#delivered = this.#count;
    return { done: false, value: this.#count };
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    this.#signal?.removeEventListener('abort', this.#end);
    this.#host.clear(this.#id);
    for (const take of this.#takers.splice(0)) take({ done: true, value: undefined });
  }
}
