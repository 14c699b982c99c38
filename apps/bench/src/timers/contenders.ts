import { TimerHeap } from '@millrace/timer-heap';
import { Heap } from 'heap-js';
import TinyQueue from 'tinyqueue';

/** What a timer module must do to take part: timers with handles and callbacks. */
export interface Timers {
  /** Adds a timer; returns its handle. */
  add(ms: number, callback: () => void): unknown;
  cancel(handle: unknown): void;
  /** Fires what is due by now. Node's own and ours are driven by Node's loop and need nothing. */
  fire?(): void;
  /** Throws away what has been cancelled, where `cancel` only marks it. */
  sweep?(): void;
}

interface Entry {
  readonly due: number;
  readonly callback: () => void;
  cancelled: boolean;
}

interface Queue {
  push(entry: Entry): unknown;
  peek(): Entry | undefined;
  pop(): Entry | undefined;
}

/** A priority queue cannot take out of its middle, or only in O(n): a cancelled entry is marked, and skipped later. */
function overQueue(queue: Queue): Timers {
  const fire = () => {
    const now = performance.now();
    for (let first = queue.peek(); first !== undefined && first.due <= now; first = queue.peek()) {
      queue.pop();
      if (!first.cancelled) first.callback();
    }
  };
  return {
    add: (ms, callback) => {
      const entry = { due: performance.now() + ms, callback, cancelled: false };
      queue.push(entry);
      return entry;
    },
    cancel: (handle) => {
      (handle as Entry).cancelled = true;
    },
    fire,
    sweep: () => {
      while (queue.peek()?.cancelled) queue.pop();
    },
  };
}

const byDue = (a: Entry, b: Entry) => a.due - b.due;

export const contenders = {
  'timer-heap': (): Timers => {
    const timers = new TimerHeap();
    return {
      add: (ms, callback) => timers.after(ms, callback),
      cancel: (id) => timers.clear(id as number),
    };
  },
  setTimeout: (): Timers => ({
    add: (ms, callback) => setTimeout(callback, ms),
    cancel: (handle) => clearTimeout(handle as NodeJS.Timeout),
  }),
  tinyqueue: () => overQueue(new TinyQueue<Entry>([], byDue)),
  'heap-js': () => overQueue(new Heap<Entry>(byDue)),
} satisfies Record<string, () => Timers>;

export type ContenderName = keyof typeof contenders;
