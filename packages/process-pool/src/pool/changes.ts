import { checkWait, TimeoutError } from '@millrace/channel';
import { Alarm } from '@millrace/channel/internal';

/** The longest timer that Node takes, in milliseconds: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

export interface UntilOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the wait rejects with `ERR_MILLRACE_TIMEOUT`. Default: none. */
  readonly timeout?: number | undefined;
}

/** Lets those who wait for a condition look again whenever something has changed. */
export class Changes {
  #waiting: (() => void)[] = [];

  happened(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when `condition` is true; rejects with what it throws, the signal's reason, or the time-out. */
  async until(condition: () => boolean, { signal, timeout }: UntilOptions = {}): Promise<void> {
    checkWait({ signal, timeout });
    const look = () => this.happened();
    let isLate = timeout === 0;
    const alarm =
      timeout === undefined
        ? undefined
        : new Alarm(timeout, () => {
            isLate = true;
            look();
          }).unref();
    signal?.addEventListener('abort', look, { once: true });
    try {
      while (!condition()) {
        signal?.throwIfAborted();
        if (isLate) throw new TimeoutError('What was waited for', timeout as number);
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      alarm?.cancel();
      signal?.removeEventListener('abort', look);
    }
  }
}

/** Keeps the loop of this process alive until `work` is done, whatever it waits for. */
export async function keptAlive<T>(work: Promise<T>): Promise<T> {
  const hold = setInterval(() => {}, LONGEST_MS);
  try {
    return await work;
  } finally {
    clearInterval(hold);
  }
}
