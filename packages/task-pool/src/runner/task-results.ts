import { STREAM_WINDOW } from '../client/task-stream.js';
import { TaskError } from '../errors.js';
import * as layout from '../wire/task-layout.js';
import type { RunningTask } from './running-task.js';

/** What a handler with several results returns. */
export type Stream = Partial<AsyncIterable<unknown>> & Partial<Iterable<unknown>>;

/** Sends each result as it is produced, within the client's credit; resolves after the last. */
export async function sendStream(
  task: RunningTask,
  stream: Stream,
  send: (value: unknown) => void,
): Promise<undefined> {
  const iterator = stream[Symbol.asyncIterator]?.() ?? (stream[Symbol.iterator] as () => Iterator<unknown>)();
  let over = false;
  task.credit = STREAM_WINDOW;
  try {
    if (!(task.flags & layout.STREAM)) {
      const message = `Task '${task.name}' gives several results: ask for it with stream(), not with run().`;
      throw new TaskError('ERR_MILLRACE_TASK_STREAM', message);
    }
    while (!over) {
      if (task.aborted) throw task.signal.reason;
      if (task.credit === 0) {
        await new Promise<void>((resolve) => {
          task.wake = resolve;
        });
        continue;
      }
      const { done = false, value } = await iterator.next();
      over = done;
      if (over) break;
      task.credit--;
      send(value);
    }
    return undefined;
  } finally {
    if (!over) await iterator.return?.();
  }
}

/** An async iterable, or what a generator function returns. Arrays, maps and sets are values like others. */
export function isStream(value: unknown): value is Stream {
  if (typeof value !== 'object' || value === null) return false;
  if (Symbol.asyncIterator in value) return true;
  return Symbol.iterator in value && 'next' in value && typeof value.next === 'function';
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}
