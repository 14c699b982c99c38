import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { bytes, type Column, grouped, painter, percent, table } from '../admin/format.js';
import type { TableReport } from '../admin/reports.js';

/** Prints the tables of a server's program. */
export async function tables(name: string | undefined, { json }: { readonly json?: true }): Promise<void> {
  const client = new AdminClient(findServer(name));
  const report = await client.get<{ readonly tables: readonly TableReport[] }>('/v1/tables');
  if (json) return console.log(JSON.stringify(report.tables));
  if (report.tables.length === 0)
    return console.error(`The program of '${client.place.name}' has no tables (addTable).`);
  const [titles = '', ...rows] = table(COLUMNS, report.tables);
  console.log([painter(process.stdout)('dim', titles), ...rows].join('\n'));
}

const COLUMNS: readonly Column<TableReport>[] = [
  { title: 'TABLE', of: ({ name }) => name },
  { title: 'ROWS', of: ({ rows }) => grouped(rows), right: true },
  { title: 'OF', of: ({ capacity }) => grouped(capacity), right: true },
  {
    title: 'FULL',
    of: ({ rows, capacity }) => percent(capacity === 0 ? null : rows / capacity),
    right: true,
  },
  { title: 'MEMORY', of: (report) => bytes(report.bytes), right: true },
  { title: 'READS', of: ({ hits, misses }) => grouped(hits + misses), right: true },
  { title: 'HITS', of: ({ hitRate }) => percent(hitRate), right: true },
];
