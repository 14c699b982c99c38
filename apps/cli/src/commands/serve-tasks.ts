import { existsSync } from 'node:fs';
import type { QueueFlags } from '@millrace/task-broker/program';
import { CommandError } from '../command-error.js';

export interface TasksFlags extends Partial<QueueFlags> {
  readonly json?: true;
}

/** Runs the tasks of a module for the callers of a queue, until a signal ends it. */
export async function serveTasks(file: string | undefined, flags: QueueFlags): Promise<void> {
  if (file === undefined)
    throw new CommandError(
      'usage',
      'The module that exports tasks is missing: millrace tasks ./tasks.js --queue …',
    );
  if (!existsSync(file)) throw new CommandError('usage', `There is no file '${file}'.`);
  const { serveQueue } = await import('@millrace/task-broker/program');
  await serveQueue(file, flags, (line) => void process.stderr.write(`millrace: ${line}\n`));
}
