import { useSignal } from '@preact/signals';
import type { ProcessReport } from '../reports.js';
import { hrefOf } from '../state/route.js';
import { processes } from '../state/server.js';
import { bytes, count, duration, milliseconds, percent, titleOf } from '../ui/format.js';
import { Panel, State } from '../ui/parts.js';
import { type Column, Table } from '../ui/table.js';

const COLUMNS: readonly Column<ProcessReport>[] = [
  { title: 'Process', of: ({ name }) => <a href={hrefOf('process', name)}>{titleOf(name)}</a> },
  { title: 'State', of: ({ state }) => <State state={state} /> },
  { title: 'Pid', number: true, of: ({ pid }) => pid ?? '–' },
  { title: 'Up', number: true, of: ({ uptimeMs }) => duration(uptimeMs) },
  { title: 'Processor', number: true, of: ({ cpuPercent }) => percent(cpuPercent) },
  { title: 'Memory', number: true, of: ({ memory }) => bytes(memory) },
  { title: 'Loop delay', number: true, of: ({ loopDelayMs }) => milliseconds(loopDelayMs) },
  { title: 'Connections', number: true, of: ({ connections }) => count(connections) },
  { title: 'Messages', number: true, of: ({ messages }) => count(messages) },
  { title: 'Tasks', number: true, of: ({ tasksRunning }) => count(tasksRunning) },
  { title: 'Restarts', number: true, of: ({ restarts }) => count(restarts) },
  {
    title: 'Last failure',
    of: ({ failures, lastFailure }) => (lastFailure === null ? '' : `${lastFailure} (${failures})`),
  },
];

const ORDERS: Readonly<Record<string, (process: ProcessReport) => number>> = {
  processor: ({ cpuPercent }) => cpuPercent ?? -1,
  memory: ({ memory }) => memory ?? -1,
  'loop delay': ({ loopDelayMs }) => loopDelayMs ?? -1,
  connections: ({ connections }) => connections ?? -1,
  restarts: ({ restarts }) => restarts ?? -1,
};

export function Processes() {
  const order = useSignal('');
  const wanted = useSignal('');
  const of = ORDERS[order.value];
  const text = wanted.value.toLowerCase();
  const shown = processes.value.filter(({ name, state }) => `${titleOf(name)} ${state}`.includes(text));
  const rows = of === undefined ? shown : [...shown].sort((a, b) => of(b) - of(a));
  return (
    <>
      <h1 tabIndex={-1}>Processes</h1>
      <Panel
        title={`${processes.value.length} processes`}
        id="processes"
        aside={
          <span class="controls">
            <label>
              Only{' '}
              <input
                type="search"
                placeholder="worker, hanging …"
                onInput={({ currentTarget }) => (wanted.value = currentTarget.value)}
              />
            </label>
            <label>
              Order
              <select onChange={({ currentTarget }) => (order.value = currentTarget.value)}>
                <option value="">tree</option>
                {Object.keys(ORDERS).map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          </span>
        }
      >
        <Table caption="Processes of the server" columns={COLUMNS} rows={rows} keyOf={({ name }) => name} />
      </Panel>
    </>
  );
}
