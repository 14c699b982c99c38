import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { counted, heldText } from '../admin/format.js';
import type { ScaleLine } from '../admin/reports.js';
import { CommandError } from '../command-error.js';

/** What is scaled, by what users call it, and by what the admin interface does. */
const NAMES = new Map([
  ['workers', 'workers'],
  ['tasks', 'taskWorkers'],
  ['task-workers', 'taskWorkers'],
]);

/** Has a server go on with other numbers of processes, and tells of each that comes or ends. */
export async function scale(
  sizes: readonly string[],
  { name, json }: { readonly name?: string; readonly json?: true },
): Promise<void> {
  const body = sizesOf(sizes);
  const client = new AdminClient(findServer(name));
  for await (const line of client.lines<ScaleLine>('/v1/scale', body)) {
    if (json) console.log(JSON.stringify(line));
    else tell(line);
    if (line.type !== 'done') continue;
    if (line.outcome === 'scaled' && isAsAsked(line, body)) return;
    throw new CommandError('failed', reasonOf(line));
  }
  throw new CommandError(
    'noAnswer',
    'The admin process has ended meanwhile. The scaling goes on: millrace status tells of it.',
  );
}

function sizesOf(sizes: readonly string[]): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const size of sizes) {
    const [, word = '', count] = /^([a-z-]+)=([1-9]\d{0,3})$/.exec(size) ?? [];
    const key = NAMES.get(word);
    if (key === undefined || key in found)
      throw new CommandError(
        'usage',
        `'${size}' is no size: workers=N or tasks=N, each once, with a whole number from 1 on.`,
      );
    found[key] = Number(count);
  }
  return found;
}

type Done = Extract<ScaleLine, { readonly type: 'done' }>;

const isAsAsked = (line: Done, body: Readonly<Record<string, number>>) =>
  Object.entries(body).every(([key, count]) => line[key as 'workers' | 'taskWorkers'] === count);

function reasonOf({ outcome, advice, workers, taskWorkers }: Done): string {
  if (outcome === 'scaled')
    return `Another request came meanwhile: there are now ${sizeText({ workers, taskWorkers })}.`;
  return advice ?? 'The server ends.';
}

function tell(line: ScaleLine): void {
  switch (line.type) {
    case 'started':
      return console.error(`from ${sizeText(line)}`);
    case 'ready':
      return console.error(`${line.process} is ready: process ${line.pid}`);
    case 'ended':
      return console.error(`${line.process} has ended: process ${line.pid}`);
    case 'held':
      return console.error(heldText(line));
    case 'waiting':
      if (line.seconds % 5 === 0) console.error(`${line.seconds} s`);
      return;
    case 'done':
      if (line.outcome === 'scaled') console.error(`to ${sizeText(line)}`);
  }
}

function sizeText({ workers, taskWorkers }: Pick<Done, 'workers' | 'taskWorkers'>): string {
  const tasks = taskWorkers ? ` and ${counted(taskWorkers, 'task worker')}` : '';
  return `${counted(workers ?? 0, 'worker')}${tasks}`;
}
