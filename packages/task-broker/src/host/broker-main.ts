/** The program of a broker process: it holds the connection to the engine and the task processes, and runs no code of the tasks. */
import { inherit } from '@millrace/process-pool';
import type { TaskEngine } from '../engine/engine.js';
import type { BrokerMessage, BrokerSetup } from './broker-setup.js';
import { serveTasks } from './serve-tasks.js';

const STATS_EVERY_MS = 500;

const child = inherit();
if (child === undefined) throw new Error('This is the program of a broker process; a TaskPool starts it.');
const { recipe, module, options, drain } = child.data as BrokerSetup;
const { taskEngine } = (await import(recipe.module)) as { taskEngine(options: unknown): TaskEngine };
const host = serveTasks(module, { ...options, engine: taskEngine(recipe.options) });
const tell = (message: BrokerMessage) => child.send(message);
const tellStats = () => tell({ type: 'stats', stats: host.stats() });

for (const name of ['workerReady', 'workerExit', 'workerKilled'] as const)
  host.on(name, (details: unknown) => {
    tellStats();
    tell({ type: 'event', name, details });
  });
// The engine's client reports a lost connection once; the pool in the other process has a connection of its own, and tells of it.
host.on('trouble', ({ message }) => process.emitWarning(`The engine refuses what a host asks: ${message}`));

host.on('failed', (error) => void giveUp(error));

const stats = setInterval(tellStats, STATS_EVERY_MS);

child.onStop(async () => {
  clearInterval(stats);
  await host.close({ timeout: drain });
  process.exit(0);
});

try {
  await host.ready();
  tellStats();
  child.ready();
} catch (error) {
  refuse(error as Error);
}

/** The pool ends this process then. */
function refuse({ message, code = '' }: Error & { readonly code?: string }): void {
  tell({ type: 'refused', message, code });
}

async function giveUp(error: Error): Promise<void> {
  // What it has said last is sent first.
  await host.close({ timeout: drain });
  tellStats();
  refuse(error);
}
