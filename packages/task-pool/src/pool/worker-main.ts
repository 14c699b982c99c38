/** The program of a task worker of a pool: loads the module with the tasks, and runs them. */
import { giveMessagesRoom } from '@millrace/channel';
import { MappedMemory } from '@millrace/native';
import { inherit } from '@millrace/process-pool';
import { ClaimTable, claimBytes } from '../claims/claim-table.js';
import { TaskError } from '../errors.js';
import type { TaskHandler } from '../runner/runner-options.js';
import { TaskRunner } from '../runner/task-runner.js';
import { TaskTaker } from '../runner/task-taker.js';
import { taskTransport } from '../transports/index.js';
import { SpillDirectory } from '../wire/large-value-files.js';
import { CLAIMS, type CorruptMessage, spillWriter, type WorkerBirth } from './worker-setup.js';

/** Milliseconds between two looks at the memory: each asks the kernel. */
const MEMORY_EVERY_MS = 50;

const [, , url] = process.argv;
if (url === undefined) throw new Error('This is the program of a task worker; a TaskPool starts it.');
// Before it is somebody: a spare has loaded the tasks by the time it is needed.
const tasks = tasksOf((await import(url)) as Record<string, unknown>);

const child = inherit();
if (child === undefined) throw new Error('This is the program of a task worker; a TaskPool starts it.');
giveMessagesRoom();
const birth = child.data as WorkerBirth;
const claims = new MappedMemory(child.descriptor(CLAIMS), claimBytes(birth.workers + 1));
const spill = new SpillDirectory(birth.spill, spillWriter(birth.worker, child.incarnation));
const transport = taskTransport(birth.transport);
const values = { spill, inMemory: birth.valuesInMemory };
/** The pool kills this process, and empties what lies between for the next. */
const sayCorrupt = ({ message }: Error) => child.send({ type: 'corrupt', message } satisfies CorruptMessage);
const channel = transport.openWorkerSide(child, birth.worker, values, sayCorrupt);
const queue = transport.openQueue?.(birth.queue, values);
const runner = new TaskRunner({
  channels: [channel],
  handler: (name) => (Object.hasOwn(tasks, name) ? tasks[name] : undefined),
  // Its caller is told the same, with the name of what could not be sent.
  onUnsendable: () => {},
  onOrphanFailed: (error, name) =>
    process.emitWarning(`Task '${name}' of another program, or an earlier pool, has failed: ${error}`),
  onNonsense: (asker, error) => (asker < 0 ? process.emitWarning(error.message) : sayCorrupt(error)),
  claims: { tables: [new ClaimTable(claims.buffer)], worker: birth.worker, workers: birth.workers },
  concurrency: birth.concurrency,
  onDone: (begun) => {
    if (begun >= (birth.maxTasks ?? Number.POSITIVE_INFINITY) || isTooLarge()) void end();
  },
});

const taker =
  queue &&
  new TaskTaker(queue, runner, (error) => {
    throw error;
  });
let memoryAt = 0;
let ending = false;

function isTooLarge(): boolean {
  if (birth.maxMemory === undefined) return false;
  const now = performance.now();
  if (now - memoryAt < MEMORY_EVERY_MS) return false;
  memoryAt = now;
  return process.memoryUsage.rss() > birth.maxMemory;
}

/** Begins nothing more, answers what runs, and ends. */
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  // What it has taken from the queue it runs: another program's tasks are nowhere else.
  await taker?.stop();
  await runner.stop();
  await channel.drained();
  process.exit(0);
}

function tasksOf(module: Record<string, unknown>): Record<string, TaskHandler> {
  const found = module.tasks ?? module.default;
  if (typeof found === 'object' && found !== null) return found as Record<string, TaskHandler>;
  throw new TaskError(
    'ERR_MILLRACE_NO_TASKS',
    `${url} has no tasks: let it say 'export const tasks = defineTasks({ … })'; ` +
      `it exports ${Object.keys(module).join(', ') || 'nothing'}.`,
  );
}

child.onStop(() => void end());
runner.start();
taker?.start();
child.ready();
