import { ask } from '../actions/actions.js';
import { hrefOf } from '../state/route.js';
import { listeners, processes, serverSeries, status } from '../state/server.js';
import { latestOf, valuesOf } from '../ui/chart-data.js';
import { bytes, bytesPerSecond, count, milliseconds, percent, rate, short } from '../ui/format.js';
import { HappeningList } from '../ui/happening-list.js';
import { Facts, Panel } from '../ui/parts.js';
import { ProcessTree } from '../ui/process-tree.js';
import { ListenerTable } from './listeners.js';
import { ServerCharts } from './server-charts.js';

export function Overview() {
  return (
    <>
      <h1 tabIndex={-1} class="visually-hidden">
        Overview
      </h1>
      <Vitals />
      <div class="columns">
        <Panel title="Processes" id="tree" aside={<TreeButtons />}>
          <ProcessTree />
        </Panel>
        <Panel title="What happened" id="happenings">
          <HappeningList />
        </Panel>
      </div>
      <ServerCharts />
      {listeners.value.length > 0 && (
        <Panel title="Listeners" id="listeners" aside={<a href={hrefOf('listeners')}>All</a>}>
          <ListenerTable />
        </Panel>
      )}
    </>
  );
}

function TreeButtons() {
  return (
    <span class="buttons">
      <button type="button" onClick={() => ask({ what: 'scale' })}>
        Scale …
      </button>
      <button type="button" onClick={() => ask({ what: 'reload' })}>
        Reload …
      </button>
    </span>
  );
}

function Vitals() {
  const { value: now } = status;
  // The rates are of the series, which grows after the status.
  void serverSeries.version.value;
  if (now === undefined) return null;
  const perSecond = (column: 'received' | 'bytesIn' | 'bytesOut') =>
    latestOf(valuesOf(serverSeries, { label: '', column, perSecond: true }));
  const slowest = processes.value.reduce((most, { loopDelayMs }) => Math.max(most, loopDelayMs ?? 0), 0);
  return (
    <section aria-label="Right now" class="vitals">
      <Facts
        facts={[
          {
            label: 'Connections',
            value: count(now.connections.open),
            note: `of ${short(now.connections.limit)}`,
          },
          { label: 'Messages', value: rate(perSecond('received')), note: 'a second' },
          { label: 'In hand', value: count(now.messages.underWay), note: 'messages' },
          {
            label: 'Traffic',
            value: bytesPerSecond(perSecond('bytesIn')),
            note: `in · ${bytesPerSecond(perSecond('bytesOut'))} out`,
          },
          { label: 'Tasks', value: count(now.tasks.running), note: `run · ${count(now.tasks.waiting)} wait` },
          { label: 'Processor', value: percent(latestOf(serverSeries.column('cpuPercent'))), note: 'of one' },
          { label: 'Memory', value: bytes(latestOf(serverSeries.column('memory'))) },
          { label: 'Slowest loop', value: milliseconds(slowest), note: 'late' },
          {
            label: 'Restarts',
            value: count(now.processes.restarts),
            note: `${count(now.processes.failures)} by failures`,
          },
        ]}
      />
    </section>
  );
}
