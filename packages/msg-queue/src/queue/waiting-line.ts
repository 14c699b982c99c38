import { checkWait, TimeoutError, type WaitOptions } from '@millrace/channel';
import { Alarm } from '@millrace/channel/internal';

interface Waiting<Item, Result> {
  readonly item: Item;
  settle(result: Result): void;
  fail(error: unknown): void;
}

/** What a line asks and reports when a signal or a time-out ends a wait. */
export interface LineEvents<Item> {
  /** Whether `item` may still leave; if not, the server of the line settles it at once. */
  mayLeave?(item: Item): boolean;
  left(): void;
}

/**
 * Promises that wait in line, each with an item; served from the head only. No wait lasts for ever: `failAll` ends the line.
 */
export class WaitingLine<Item, Result> {
  readonly #waiting = new Set<Waiting<Item, Result>>();
  readonly #events: LineEvents<Item>;

  constructor(events: LineEvents<Item>) {
    this.#events = events;
  }

  get size(): number {
    return this.#waiting.size;
  }

  get head(): Item | undefined {
    for (const { item } of this.#waiting) return item;
    return undefined;
  }

  /** Joins at the end. `what` names the wait in the error of its time-out. */
  join(item: Item, what: string, options: WaitOptions = {}): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      checkWait(options);
      const { signal, timeout } = options;
      let alarm: Alarm | undefined;
      const forget = () => {
        this.#waiting.delete(waiting);
        signal?.removeEventListener('abort', onAbort);
        alarm?.cancel();
      };
      const waiting: Waiting<Item, Result> = {
        item,
        settle: (result) => {
          forget();
          resolve(result);
        },
        fail: (error) => {
          forget();
          reject(error);
        },
      };
      const leave = (reason: unknown) => {
        if (this.#events.mayLeave?.(item) === false) return;
        waiting.fail(reason);
        this.#events.left();
      };
      const onAbort = () => leave(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (timeout !== undefined) {
        alarm = new Alarm(timeout, () => leave(new TimeoutError(what, timeout)));
      }
      this.#waiting.add(waiting);
    });
  }

  settleHead(result: Result): void {
    for (const waiting of this.#waiting) {
      waiting.settle(result);
      return;
    }
  }

  failAll(error: unknown): void {
    for (const waiting of [...this.#waiting]) waiting.fail(error);
  }
}
