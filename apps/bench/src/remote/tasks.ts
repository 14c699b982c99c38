/** The tasks that the proofs over engines run; each notes that it has begun, and in which attempt. */
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTasks, type TaskContext } from '@millrace/task-pool';

const NOTES = process.env.MILLRACE_NOTES;

function note(id: number, attempt: number): void {
  if (NOTES !== undefined) appendFileSync(NOTES, `${id} ${attempt}\n`);
}

export const tasks = defineTasks({
  noop: (value: number) => value,
  work: async (ms: number, { id, attempt }: TaskContext) => {
    note(id, attempt);
    await sleep(ms);
    return attempt;
  },
  block: (ms: number, { id, attempt }: TaskContext) => {
    note(id, attempt);
    const end = performance.now() + ms;
    while (performance.now() < end);
    return attempt;
  },
  /** Until a file is there, or its caller wants no answer. */
  gate: async (file: string, { id, attempt, signal }: TaskContext) => {
    note(id, attempt);
    while (!existsSync(file)) {
      if (signal.aborted) {
        note(id, -attempt);
        signal.throwIfAborted();
      }
      await sleep(20);
    }
    return attempt;
  },
});
