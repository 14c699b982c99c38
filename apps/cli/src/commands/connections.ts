import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { bytes, type Column, duration, grouped, painter, table } from '../admin/format.js';
import type { Connection, ConnectionPage } from '../admin/reports.js';

const PAGE = 1_000;

/** Prints open connections, by their session ids. */
export async function connections(
  name: string | undefined,
  { limit, listener, json }: { readonly limit: number; readonly listener?: number; readonly json?: true },
): Promise<void> {
  const client = new AdminClient(findServer(name));
  const found: Connection[] = [];
  let at = 0;
  let open = 0;
  for (let after: number | null = 0; after !== null && found.length < limit; ) {
    const count = Math.min(PAGE, limit - found.length);
    const of = listener === undefined ? '' : `&listener=${listener}`;
    const page: ConnectionPage = await client.get(`/v1/connections?after=${after}&limit=${count}${of}`);
    found.push(...page.connections);
    ({ at, open, next: after } = page);
  }
  if (json) return console.log(JSON.stringify(found));
  const [titles = '', ...rows] = table(columns(at), found);
  console.log([painter(process.stdout)('dim', titles), ...rows].join('\n'));
  if (found.length < open) console.error(`${grouped(found.length)} of ${grouped(open)}; --limit shows more`);
}

const columns = (at: number): readonly Column<Connection>[] => [
  { title: 'SESSION', of: ({ session }) => String(session), right: true },
  { title: 'LISTENER', of: ({ listener }) => String(listener), right: true },
  { title: 'WORKER', of: ({ worker }) => (worker === null ? '-' : String(worker)), right: true },
  { title: 'OPEN', of: ({ connectedAt }) => duration(Math.max(0, at - connectedAt)), right: true },
  {
    title: 'IDLE',
    of: ({ lastReceivedAt, lastSentAt }) => duration(Math.max(0, at - Math.max(lastReceivedAt, lastSentAt))),
    right: true,
  },
  { title: 'QUEUED', of: ({ queuedBytes }) => bytes(queuedBytes), right: true },
  {
    title: 'CLIENT',
    of: ({ remoteAddress, remotePort }) => (remoteAddress === '' ? 'unix' : `${remoteAddress} ${remotePort}`),
  },
];
