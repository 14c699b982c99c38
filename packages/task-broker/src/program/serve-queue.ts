import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BrokerError } from '../errors.js';
import { serveTasks } from '../host/serve-tasks.js';
import { engineAt } from './engine-at.js';

/** Milliseconds for running tasks to end after the first signal. */
export const DRAIN_MS = 30_000;

export interface QueueFlags {
  /** Where the queue is: `redis://host:6379`, `nats://host:4222`. */
  readonly queue: string;
  /** The queue's name there. Default `'tasks'`. */
  readonly name?: string;
  /** As of `serveTasks`. */
  readonly size?: number;
  readonly concurrency?: number;
  readonly grace?: number;
  /** Milliseconds for running tasks to end after SIGTERM or SIGINT; a second signal ends all at once. Default 30,000. */
  readonly drain?: number;
}

/**
 * What `millrace-tasks` and `millrace tasks` do: runs the tasks of a module for the callers of a queue, until a signal ends this process.
 * `say` gets lines for people. Resolves when it takes tasks; rejects with `ERR_MILLRACE_BROKER_OPTION`, and as `TaskHost.ready` does:
 * then nothing is left that keeps this process.
 */
export async function serveQueue(
  file: string,
  { queue, name = 'tasks', drain = DRAIN_MS, ...options }: QueueFlags,
  say: (line: string) => void,
): Promise<void> {
  const path = resolve(file);
  const engine = await engineAt(queue, name, path);
  assertReadable(path);
  const host = serveTasks(pathToFileURL(path), { engine, ...options });
  host.on('away', ({ message }) => say(`the engine is away: ${message}`));
  host.on('connected', () => say(`connected to ${engine.name}`));
  host.on('trouble', ({ message }) => say(`the engine refuses a request: ${message}`));
  let signals = 0;
  let isEnding = false;
  const end = (timeout: number) => {
    isEnding = true;
    return host.close({ timeout });
  };
  host.on('workerExit', ({ worker, code, signal }) => {
    // One that is replaced after so many tasks ends with 0, and so do all of them in the end; one that still loads does so by SIGTERM.
    if (code !== 0 && !(isEnding && signal === 'SIGTERM'))
      say(`task process ${worker} ended with ${signal ?? `code ${code}`}`);
  });
  host.on('workerKilled', ({ worker, task }) =>
    say(`task process ${worker} is killed: task ${task.name} went on after its cancellation`),
  );
  host.on('failed', ({ message }) => {
    say(`${message} Nothing is claimed any more; what was claimed and not begun goes to other hosts.`);
    void end(drain).then(() => process.exit(1));
  });
  const onSignal = () => {
    say(++signals === 1 ? 'ending: running tasks may end' : 'ending at once');
    if (signals === 1) void end(drain).then(() => process.exit(0));
    else process.exit(1);
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  try {
    await host.ready();
  } catch (error) {
    // What is open would keep this process.
    await end(0);
    throw error;
  }
  const { slots, address } = host.stats();
  say(`ready: ${slots} tasks at a time, as ${address}`);
}

/** A wrong path is told at once, and not after as many starts of a task process as there are. */
function assertReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    const message = `The module of the tasks cannot be read: ${(cause as Error).message}.`;
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message, { cause, value: path });
  }
}
