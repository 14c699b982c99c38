/** The program of a task worker of a pool: loads the module with the tasks, and runs them. */
import { giveMessagesRoom } from '@millrace/channel/internal';
import { syscalls } from '@millrace/native/syscalls';
import { inherit } from '@millrace/process-pool';
import type { TaskError, TaskErrorCode } from '../errors.js';
import { QueueConsumer } from '../runner/queue-consumer.js';
import { TaskRunner } from '../runner/task-runner.js';
import { tasksOfModule } from '../runner/tasks-of-module.js';
import { openWorkerQueue } from '../transports/pool-queue.js';
import { openWorkerLinks } from '../transports/worker-links.js';
import { LargeValueFiles } from '../wire/large-value-files.js';
import { fileWriter, type WorkerMessage, type WorkerSetup } from './worker-setup.js';

/** Milliseconds between two checks of the resident memory: each is a system call. */
const MEMORY_EVERY_MS = 50;

const [, , url] = process.argv;
if (url === undefined) throw new Error('This is the program of a task worker; a TaskPool starts it.');
// Before this process has its assignment: a spare has loaded the tasks by the time it is needed.
const loaded = await loadTasks(url);

const child = inherit();
if (child === undefined) throw new Error('This is the program of a task worker; a TaskPool starts it.');
const tell = (message: WorkerMessage) => child.send(message);
if (loaded instanceof Error) {
  tell({ type: 'noTasks', message: loaded.message });
  // A module that had tasks when the pool started may be about to be written; that it never had any the pool knows.
  if (child.incarnation > 1) throw loaded;
  child.last();
  process.exit(1);
}
const tasks = loaded;
giveMessagesRoom(syscalls);
const setup = child.data as WorkerSetup;
const files = new LargeValueFiles(setup.files, fileWriter(setup.worker, child.incarnation));
/** The pool kills this process, and resets the link for its successor. */
const reportCorrupt = ({ message }: Error) => tell({ type: 'corrupt', message });
const { end: link, claims } = openWorkerLinks((name) => child.descriptor(name), {
  transport: setup.transport,
  worker: setup.worker,
  workers: setup.workers,
  values: { files, inMemory: setup.valuesInMemory },
  onCorrupt: reportCorrupt,
});
const queue = setup.queue && openWorkerQueue(setup.queue, files);
const runner = new TaskRunner({
  channels: [link.channel],
  handler: (name) => (Object.hasOwn(tasks, name) ? tasks[name] : undefined),
  // The caller gets the same error, with the path of what could not be sent.
  onUnsendable: () => {},
  onOrphanFailed: (error, name) =>
    process.emitWarning(`Task '${name}' of another program, or an earlier pool, has failed: ${error}`),
  onInvalidMessage: (asker, error) => (asker < 0 ? process.emitWarning(error.message) : reportCorrupt(error)),
  claims: { tables: [claims], worker: setup.worker, workers: setup.workers },
  concurrency: setup.concurrency,
  onDone: (begun) => {
    if (begun >= (setup.maxTasks ?? Number.POSITIVE_INFINITY) || isTooLarge()) void end();
  },
});

const consumer =
  queue &&
  new QueueConsumer(queue, runner, (error) => {
    throw error;
  });
let memoryAt = 0;
let ending = false;

/** The error says that there are none, which another start does not change; what a module throws of its own is not caught. */
async function loadTasks(module: string): Promise<ReturnType<typeof tasksOfModule> | Error> {
  try {
    return tasksOfModule(module, (await import(module)) as Record<string, unknown>);
  } catch (error) {
    if ((error as TaskError).code !== ('ERR_MILLRACE_NO_TASKS' satisfies TaskErrorCode)) throw error;
    return error as TaskError;
  }
}

function isTooLarge(): boolean {
  if (setup.maxMemory === undefined) return false;
  const now = performance.now();
  if (now - memoryAt < MEMORY_EVERY_MS) return false;
  memoryAt = now;
  return process.memoryUsage.rss() > setup.maxMemory;
}

/** Begins nothing more, answers what runs, and ends. */
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  // A task that was taken from the queue exists only here: it is run.
  await consumer?.stop();
  await runner.stop();
  await link.channel.drained();
  process.exit(0);
}

child.onStop(() => void end());
link.begin();
runner.start();
consumer?.start();
child.ready();
