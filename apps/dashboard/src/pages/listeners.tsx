import type { Listener } from '../reports.js';
import { hrefOf } from '../state/route.js';
import { listeners } from '../state/server.js';
import { bytesPerSecond, count, rate } from '../ui/format.js';
import { Empty, Panel } from '../ui/parts.js';
import { type Column, Table } from '../ui/table.js';

export function placeOf({ host, port, path, index }: Listener): string {
  if (path !== null) return path;
  if (port === null) return `listener ${index}`;
  return `${host === null ? '*' : host.includes(':') ? `[${host}]` : host}:${port}`;
}

const COLUMNS: readonly Column<Listener>[] = [
  {
    title: 'Address',
    of: (listener) => <a href={hrefOf('listener', listener.index)}>{placeOf(listener)}</a>,
  },
  { title: 'Kind', of: ({ type, tls }) => `${type}${tls ? ', TLS' : ''}` },
  { title: 'Clients send', of: ({ protocol }) => protocol ?? 'what the program takes' },
  { title: 'Connections', number: true, of: ({ connections }) => count(connections) },
  { title: 'Refused', number: true, of: ({ refused }) => count(refused) },
  { title: 'New a second', number: true, of: ({ rates }) => rate(rates?.accepted) },
  { title: 'Messages a second', number: true, of: ({ rates }) => rate(rates?.messagesIn) },
  { title: 'In', number: true, of: ({ rates }) => bytesPerSecond(rates?.bytesIn) },
  { title: 'Out', number: true, of: ({ rates }) => bytesPerSecond(rates?.bytesOut) },
];

export function ListenerTable() {
  return (
    <Table
      caption="Where the server listens"
      columns={COLUMNS}
      rows={listeners.value}
      keyOf={({ index }) => index}
    />
  );
}

export function Listeners() {
  return (
    <>
      <h1 tabIndex={-1}>Listeners</h1>
      <Panel title="Where the server listens" id="listeners">
        {listeners.value.length === 0 ? <Empty>It listens nowhere.</Empty> : <ListenerTable />}
      </Panel>
    </>
  );
}
