/**
 * `npm run slow-clients [-- --only heads,idle,unread,unreadByMany,readSlowly,uploads --window 3000 --rounds 5 --table FILE]`: what
 * clients that cost a server much take from others, in time and memory, under plain node and under `millrace start` with one worker.
 * The three serve by turns, one window alone and one beside those clients, and the middle of the rounds is told: on a machine that does
 * other work one window says nothing.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { PLAIN, Served, startCommand } from '../start.js';
import { type Beside, besideNuisance, costOf, middleOf } from './beside.js';
import { NUISANCES, type NuisanceName } from './nuisances.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(NUISANCES).join(',') },
    window: { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '5' },
    table: { type: 'string' },
  },
});

const WARM_MS = 2_000;
const started = (mode: string) => {
  const by = startCommand({ COMPAT_START: 'millrace', COMPAT_WORKERS: '1', COMPAT_MODE: mode });
  // Those beside the 10,000.
  return { ...by, command: [...by.command, '--max-connections', '11000'] };
};
const WAYS = { 'plain node': PLAIN, 'process mode': started('process'), 'base mode': started('base') };

const rows: string[] = [];
for (const name of values.only.split(',') as NuisanceName[]) await measure(name);
if (values.table !== undefined) writeFileSync(values.table, page());

/** Each kind has servers of its own: what the clients before have left behind is no part of it. */
async function measure(name: NuisanceName): Promise<void> {
  const servers: { readonly way: string; readonly served: Served; readonly pairs: Beside[] }[] = [];
  try {
    for (const [way, by] of Object.entries(WAYS))
      servers.push({ way, served: await Served.start('clients.js', by), pairs: [] });
    for (const { served } of servers) await costOf(served, WARM_MS);
    for (let round = 0; round < Number(values.rounds); round++)
      for (const { way, served, pairs } of servers) {
        const pair = await besideNuisance(served, name, Number(values.window));
        console.log(JSON.stringify({ name, way, round, ...pair }));
        pairs.push(pair);
      }
  } finally {
    for (const { served } of servers) await served[Symbol.asyncDispose]();
  }
  for (const { way, pairs } of servers) rows.push(row(NUISANCES[name].says, way, middleOf(pairs)));
}

function row(says: string, way: string, { alone, beside, added, closed }: Beside): string {
  const memory = Object.entries(added).map(([role, mib]) => `${role} ${mib.toFixed(1)}`);
  const times = [alone.p50, alone.p99, beside.p50, beside.p99].map((ms) => ms.toFixed(2));
  const processors = [alone, beside].map(({ processorUs }) => processorUs.toFixed(0));
  return `| ${[says, way, ...times, ...processors, memory.join(', '), closed].join(' | ')} |`;
}

function page(): string {
  return [
    '# What clients that cost a server much take from others',
    '',
    `Node ${process.versions.node}, ${cpus().length} processors, one worker. Milliseconds of 20 other clients that ask one request after another, microseconds`,
    'of processors that the server has taken for each of their answers, whatever it did it for, and MiB that were added.',
    `The middle of ${values.rounds} rounds, in which the three served by turns: ${Number(values.window) / 1_000} s alone, then as long beside those clients.`,
    '',
    '| clients | under | p50 alone | p99 alone | p50 beside | p99 beside | µs alone | µs beside | memory added | of them closed |',
    '|---|---|--:|--:|--:|--:|--:|--:|---|--:|',
    ...rows,
    '',
  ].join('\n');
}
