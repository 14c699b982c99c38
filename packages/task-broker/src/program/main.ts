/** `millrace-tasks ./tasks.js --queue redis://…`: a host for the tasks of a module. */
import { Command, InvalidArgumentError } from 'commander';
import { DRAIN_MS, type QueueFlags, serveQueue } from './serve-queue.js';

new Command('millrace-tasks')
  .description('Runs the tasks of a module for the callers of a queue, in processes of this machine.')
  .argument('<module>', 'the module that exports tasks')
  .requiredOption('--queue <address>', 'redis://host:6379 or nats://host:4222')
  .option('--name <name>', "the queue's name there", 'tasks')
  .option('--size <number>', 'task processes; default: the number of processors', whole)
  .option('--concurrency <number>', 'tasks that each runs at once', whole)
  .option('--grace <ms>', 'time for a cancelled task before its process is killed', whole)
  .option('--drain <ms>', 'time for running tasks to end after SIGTERM', whole, DRAIN_MS)
  .action((module: string, flags: QueueFlags) => serveQueue(module, flags, say))
  .parseAsync()
  .catch((error: Error) => {
    say(error.message);
    process.exitCode = 1;
  });

function say(line: string): void {
  process.stderr.write(`millrace-tasks: ${line}\n`);
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}
