import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { bytes, type Column, grouped, painter, table } from '../admin/format.js';
import type { QueueReport } from '../admin/reports.js';

/** Prints what waits between the processes of a server. */
export async function queues(name: string | undefined, { json }: { readonly json?: true }): Promise<void> {
  const client = new AdminClient(findServer(name));
  const report = await client.get<{ readonly queues: readonly QueueReport[] }>('/v1/queues');
  if (json) return console.log(JSON.stringify(report.queues));
  const [titles = '', ...rows] = table(COLUMNS, report.queues);
  console.log([painter(process.stdout)('dim', titles), ...rows].join('\n'));
}

const known = (count: number | null) => (count === null ? '-' : grouped(count));

const COLUMNS: readonly Column<QueueReport>[] = [
  { title: 'QUEUE', of: ({ name }) => name },
  { title: 'KIND', of: ({ kind }) => kind },
  { title: 'MESSAGES', of: ({ messages }) => known(messages), right: true },
  { title: 'OF', of: ({ capacity }) => known(capacity), right: true },
  { title: 'BYTES', of: (queue) => bytes(queue.bytes), right: true },
  { title: 'OF', of: ({ capacityBytes }) => bytes(capacityBytes), right: true },
];
