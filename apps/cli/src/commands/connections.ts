import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { bytes, type Column, duration, grouped, painter, table } from '../admin/format.js';
import { placeOf } from '../admin/listener-place.js';
import type { Connection, ConnectionPage, Listener } from '../admin/reports.js';
import { CommandError } from '../command-error.js';

const PAGE = 1_000;

/** Prints open connections, by their session ids. */
export async function connections(
  name: string | undefined,
  { limit, listener, json }: { readonly limit: number; readonly listener?: string; readonly json?: true },
): Promise<void> {
  const client = new AdminClient(findServer(name));
  const { listeners } = await client.get<{ listeners: Listener[] }>('/v1/listeners');
  const only = listener === undefined ? undefined : indexOf(listener, listeners);
  const found: Connection[] = [];
  let at = 0;
  let open = 0;
  for (let after: number | null = 0; after !== null && found.length < limit; ) {
    const count = Math.min(PAGE, limit - found.length);
    const of = only === undefined ? '' : `&listener=${only}`;
    const page: ConnectionPage = await client.get(`/v1/connections?after=${after}&limit=${count}${of}`);
    found.push(...page.connections);
    ({ at, open, next: after } = page);
  }
  if (json) return console.log(JSON.stringify(found));
  const [titles = '', ...rows] = table(columns(at, listeners), found);
  console.log([painter(process.stdout)('dim', titles), ...rows].join('\n'));
  if (found.length < open) console.error(`${grouped(found.length)} of ${grouped(open)}; --limit shows more`);
}

/** A listener as it is shown, by its port, or by its index. */
function indexOf(wanted: string, listeners: readonly Listener[]): number {
  const found =
    listeners.find((one) => placeOf(one) === wanted || one.path === wanted || String(one.port) === wanted) ??
    listeners.find(({ index }) => String(index) === wanted);
  if (found !== undefined) return found.index;
  const places = listeners.map((one) => placeOf(one)).join(', ') || 'none';
  throw new CommandError('usage', `The server has no listener '${wanted}'; there are: ${places}.`);
}

/** One that a program has closed since is told by its index. */
function placeFor(index: number, listeners: readonly Listener[]): string {
  const found = listeners.find((one) => one.index === index);
  return found === undefined ? `listener ${index}` : placeOf(found);
}

const columns = (at: number, listeners: readonly Listener[]): readonly Column<Connection>[] => [
  { title: 'SESSION', of: ({ session }) => String(session), right: true },
  { title: 'LISTENER', of: ({ listener }) => placeFor(listener, listeners) },
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
