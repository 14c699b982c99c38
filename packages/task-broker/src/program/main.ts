/** `millrace-tasks ./tasks.js --queue redis://…`: a host for the tasks of a module. */
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { BrokerError } from '../errors.js';
import { serveTasks } from '../host/serve-tasks.js';
import { engineAt } from './engine-at.js';

/** Milliseconds for running tasks to end after the first signal. */
const DRAIN_MS = 30_000;

interface Flags {
  readonly queue: string;
  readonly name?: string;
  readonly size?: number;
  readonly concurrency?: number;
  readonly grace?: number;
  readonly drain: number;
}

new Command('millrace-tasks')
  .description('Runs the tasks of a module for the callers of a queue, in processes of this machine.')
  .argument('<module>', 'the module that exports tasks')
  .requiredOption('--queue <address>', 'redis://host:6379 or nats://host:4222')
  .option('--name <name>', "the queue's name there", 'tasks')
  .option('--size <number>', 'task processes; default: the number of processors', whole)
  .option('--concurrency <number>', 'tasks that each runs at once', whole)
  .option('--grace <ms>', 'time for a cancelled task before its process is killed', whole)
  .option('--drain <ms>', 'time for running tasks to end after SIGTERM', whole, DRAIN_MS)
  .action(serve)
  .parseAsync()
  .catch((error: Error) => {
    process.stderr.write(`millrace-tasks: ${error.message}\n`);
    process.exitCode = 1;
  });

async function serve(module: string, { queue, name = 'tasks', drain, ...options }: Flags): Promise<void> {
  const engine = await engineAt(queue, name);
  const host = serveTasks(moduleAt(module), { engine, ...options });
  host.on('away', ({ message }) => say(`the engine is away: ${message}`));
  host.on('connected', () => say(`connected to ${engine.name}`));
  host.on('trouble', ({ message }) => say(`the engine refuses a request: ${message}`));
  host.on('workerExit', ({ worker, code, signal }) =>
    say(`task process ${worker} ended with ${signal ?? `code ${code}`}`),
  );
  host.on('workerKilled', ({ worker, task }) =>
    say(`task process ${worker} is killed: task ${task.name} went on after its cancellation`),
  );
  host.on('failed', ({ message }) => {
    say(`${message} Nothing is claimed any more; what was claimed and not begun goes to other hosts.`);
    void host.close({ timeout: drain }).then(() => process.exit(1));
  });
  let signals = 0;
  const onSignal = () => {
    say(++signals === 1 ? 'ending: running tasks may end' : 'ending at once');
    if (signals === 1) void host.close({ timeout: drain }).then(() => process.exit(0));
    else process.exit(1);
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  await host.ready();
  const { slots, address } = host.stats();
  say(`ready: ${slots} tasks at a time, as ${address}`);
}

/** The module's address. A wrong path is told at once, and not after as many starts of a task process as there are. */
function moduleAt(module: string): URL {
  const path = resolve(module);
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    const message = `The module of the tasks cannot be read: ${(cause as Error).message}.`;
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message, { cause, value: path });
  }
  return pathToFileURL(path);
}

function say(line: string): void {
  process.stderr.write(`millrace-tasks: ${line}\n`);
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}
