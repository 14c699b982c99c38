/**
 * `npm run slow-clients [-- --only heads,idle,unread,unreadByMany,uploads --window 5000 --table FILE]`: what clients that cost a server
 * much take from others, in time and memory, under plain node and under `millrace start` with one worker.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { PLAIN, startCommand } from '../start.js';
import { type Beside, besideNuisance } from './beside.js';
import { NUISANCES, type NuisanceName } from './nuisances.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(NUISANCES).join(',') },
    window: { type: 'string', default: '5000' },
    table: { type: 'string' },
  },
});

const started = (mode: string) => {
  const by = startCommand({ COMPAT_START: 'millrace', COMPAT_WORKERS: '1', COMPAT_MODE: mode });
  // Those beside the 10,000.
  return { ...by, command: [...by.command, '--max-connections', '11000'] };
};
const WAYS = { 'plain node': PLAIN, 'process mode': started('process'), 'base mode': started('base') };

const rows: string[] = [];
for (const name of values.only.split(',') as NuisanceName[]) {
  for (const [way, by] of Object.entries(WAYS)) {
    const result = await besideNuisance(name, by, Number(values.window));
    console.log(JSON.stringify({ name, way, ...result }));
    rows.push(row(NUISANCES[name].says, way, result));
  }
}

if (values.table !== undefined) writeFileSync(values.table, page());

function row(says: string, way: string, { alone, beside, added, closed }: Beside): string {
  const memory = Object.entries(added).map(([role, mib]) => `${role} ${mib.toFixed(1)}`);
  const times = [alone.p50, alone.p99, beside.p50, beside.p99].map((ms) => ms.toFixed(2));
  return `| ${[says, way, ...times, memory.join(', '), closed].join(' | ')} |`;
}

function page(): string {
  return [
    '# What clients that cost a server much take from others',
    '',
    `Node ${process.versions.node}, ${cpus().length} processors, one worker; milliseconds of 20 other clients that ask one request after another, MiB that were added.`,
    '',
    '| clients | under | p50 alone | p99 alone | p50 beside | p99 beside | memory added | of them closed |',
    '|---|---|--:|--:|--:|--:|---|--:|',
    ...rows,
    '',
  ].join('\n');
}
