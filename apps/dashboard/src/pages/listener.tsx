import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { AdminError, get } from '../api/request.js';
import type { Connection } from '../reports.js';
import { hrefOf } from '../state/route.js';
import { listeners, seriesOfListener } from '../state/server.js';
import { Chart } from '../ui/chart.js';
import { bytes, clock, count, duration, rate } from '../ui/format.js';
import { Traffic } from '../ui/measures.js';
import { Empty, Facts, Panel } from '../ui/parts.js';
import { type Column, Table } from '../ui/table.js';
import { placeOf } from './listeners.js';

const PAGE = 100;

export function Listener({ index }: { readonly index: number }) {
  const found = listeners.value.find((listener) => listener.index === index);
  if (found === undefined)
    return (
      <>
        <h1 tabIndex={-1}>Listener {index}</h1>
        <Empty>
          {listeners.value.length === 0 ? 'Asking …' : 'The server does not listen there.'}{' '}
          <a href={hrefOf('listeners')}>All listeners</a>
        </Empty>
      </>
    );
  return (
    <>
      <h1 tabIndex={-1}>{placeOf(found)}</h1>
      <section aria-label="Right now" class="vitals">
        <Facts
          facts={[
            { label: 'Connections', value: count(found.connections) },
            { label: 'Accepted', value: count(found.accepted), note: `${count(found.refused)} refused` },
            { label: 'Kind', value: found.type, note: found.tls ? 'over TLS' : '' },
            { label: 'Clients send', value: found.protocol ?? 'what the program takes' },
          ]}
        />
      </section>
      <Panel title="Since this page was opened" id="charts">
        <div class="charts">
          <Chart
            title="Connections"
            series={seriesOfListener(index)}
            steps="whole"
            format={count}
            lines={[{ label: 'open', column: 'connections' }]}
          />
          <Chart
            title="Messages a second"
            series={seriesOfListener(index)}
            format={rate}
            lines={[
              { label: 'received', column: 'messagesIn', perSecond: true },
              { label: 'sent', column: 'messagesOut', perSecond: true },
            ]}
          />
          <Traffic series={seriesOfListener(index)} />
        </div>
      </Panel>
      <Panel title="Its connections" id="connections">
        <Connections listener={index} />
      </Panel>
    </>
  );
}

interface Page {
  readonly at: number;
  readonly connections: readonly Connection[];
  readonly next: number | null;
}

/** A page at a time: there may be very many. */
function Connections({ listener }: { readonly listener: number }) {
  const after = useSignal(0);
  const page = useSignal<Page | undefined>(undefined);
  const failed = useSignal('');
  const load = async (from: number) => {
    try {
      page.value = await get<Page>(`/v1/connections?listener=${listener}&limit=${PAGE}&after=${from}`);
      after.value = from;
      failed.value = '';
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      failed.value = error.message;
    }
  };
  // Once for each listener; buttons do the rest.
  useEffect(() => void load(0), [listener]);
  const { value: now } = page;
  if (failed.value !== '') return <Empty>{failed.value}</Empty>;
  if (now === undefined) return <Empty>Asking …</Empty>;
  const columns: readonly Column<Connection>[] = [
    { title: 'Session', of: ({ session }) => session },
    {
      title: 'Client',
      of: ({ remoteAddress, remotePort }) =>
        remoteAddress === '' ? 'of a unix socket' : `${remoteAddress} ${remotePort}`,
    },
    {
      title: 'Worker',
      number: true,
      of: ({ worker }) =>
        worker === null ? '–' : <a href={hrefOf('process', `worker:${worker}`)}>{worker}</a>,
    },
    { title: 'Open for', number: true, of: ({ connectedAt }) => duration(now.at - connectedAt) },
    {
      title: 'Last heard',
      number: true,
      of: ({ lastReceivedAt }) => (lastReceivedAt > 0 ? clock(lastReceivedAt) : '–'),
    },
    { title: 'Not read yet', number: true, of: ({ queuedBytes }) => bytes(queuedBytes) },
    { title: '', of: ({ paused }) => (paused ? 'paused' : '') },
  ];
  return (
    <>
      {now.connections.length === 0 ? (
        <Empty>There is none.</Empty>
      ) : (
        <Table
          caption="Connections"
          columns={columns}
          rows={now.connections}
          keyOf={({ session }) => session}
        />
      )}
      <p class="buttons">
        <button type="button" onClick={() => load(after.value)}>
          Read again
        </button>
        {after.value > 0 && (
          <button type="button" onClick={() => load(0)}>
            First page
          </button>
        )}
        {now.next !== null && (
          <button type="button" onClick={() => load(now.next ?? 0)}>
            Next page
          </button>
        )}
      </p>
    </>
  );
}
