/** The dashboard of docs/monitoring/grafana.json. */

interface Panel {
  readonly title: string;
  /** As Grafana names it. */
  readonly unit: string;
  /** Expressions by their legends. */
  readonly targets: Readonly<Record<string, string>>;
}

const OF = '{instance=~"$instance"}';
const rate = (metric: string, by = '') =>
  `sum${by === '' ? '' : ` by (${by})`} (rate(${metric}${OF}[$__rate_interval]))`;
const quantile = (q: number, metric: string, by: string) =>
  `histogram_quantile(${q}, ${rate(`${metric}_bucket`, `${by}, le`)})`;

const rows: Readonly<Record<string, readonly Panel[]>> = {
  Clients: [
    { title: 'Connections', unit: 'short', targets: { open: `sum(millrace_connections${OF})` } },
    {
      title: 'Connections per second',
      unit: 'cps',
      targets: {
        accepted: rate('millrace_connections_accepted_total'),
        'closed: {{cause}}': rate('millrace_connections_closed_total', 'cause'),
        'refused: {{reason}}': rate('millrace_connections_refused_total', 'reason'),
      },
    },
    {
      title: 'Messages per second',
      unit: 'reqps',
      targets: {
        received: rate('millrace_messages_received_total'),
        answered: rate('millrace_answers_total'),
      },
    },
    {
      title: 'Bytes per second',
      unit: 'Bps',
      targets: { in: rate('millrace_received_bytes_total'), out: rate('millrace_sent_bytes_total') },
    },
    {
      title: 'Messages under way',
      unit: 'short',
      targets: { messages: `sum(millrace_messages_in_flight${OF})` },
    },
    {
      title: 'Errors per second',
      unit: 'short',
      targets: {
        'HTTP {{code}}': rate('millrace_http_errors_total', 'code'),
        '{{code}} in the log': rate('millrace_errors_total', 'code'),
        'connections ended with their worker: {{kind}}': rate('millrace_death_disconnects_total', 'kind'),
      },
    },
  ],
  Processes: [
    {
      title: 'Ready',
      unit: 'short',
      targets: { '{{role}}': `sum by (role) (millrace_process_ready${OF})` },
    },
    {
      title: 'Processor time',
      unit: 'percentunit',
      targets: { '{{role}} {{id}}': rate('millrace_process_cpu_seconds_total', 'role, id') },
    },
    {
      title: 'Memory',
      unit: 'bytes',
      targets: { '{{role}} {{id}}': `sum by (role, id) (millrace_process_resident_memory_bytes${OF})` },
    },
    {
      title: 'Event loop delay, p99',
      unit: 's',
      targets: { '{{role}} {{id}}': `max by (role, id) (millrace_process_event_loop_delay_seconds${OF})` },
    },
    {
      title: 'Restarts per second',
      unit: 'short',
      targets: { '{{role}}, {{cause}}': rate('millrace_restarts_total', 'role, cause') },
    },
    {
      title: 'Reloads per second',
      unit: 'short',
      targets: { '{{outcome}}': rate('millrace_reloads_total', 'outcome') },
    },
  ],
  'Tasks, queues and tables': [
    { title: 'Tasks', unit: 'short', targets: { '{{state}}': `sum by (state) (millrace_tasks${OF})` } },
    {
      title: 'Tasks per second',
      unit: 'ops',
      targets: { '{{task}}, {{outcome}}': rate('millrace_task_outcomes_total', 'task, outcome') },
    },
    {
      title: 'Waiting time of tasks',
      unit: 's',
      targets: {
        '{{task}} p50': quantile(0.5, 'millrace_task_wait_seconds', 'task'),
        '{{task}} p99': quantile(0.99, 'millrace_task_wait_seconds', 'task'),
      },
    },
    {
      title: 'Running time of tasks',
      unit: 's',
      targets: {
        '{{task}} p50': quantile(0.5, 'millrace_task_run_seconds', 'task'),
        '{{task}} p99': quantile(0.99, 'millrace_task_run_seconds', 'task'),
      },
    },
    {
      title: 'Queues, filled',
      unit: 'percentunit',
      targets: {
        '{{queue}}': `max by (queue) (millrace_queue_bytes${OF} / millrace_queue_capacity_bytes${OF})`,
      },
    },
    {
      title: 'Tables, filled',
      unit: 'percentunit',
      targets: {
        '{{table}}': `max by (table) (millrace_table_rows${OF} / millrace_table_capacity_rows${OF})`,
      },
    },
  ],
};

/** Every expression of the dashboard, with Grafana's variables as Prometheus would get them. */
export function expressions(): string[] {
  return Object.values(rows)
    .flat()
    .flatMap(({ targets }) => Object.values(targets))
    .map((expression) => expression.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'));
}

const COLUMNS = 3;
const WIDTH = 24 / COLUMNS;
const HEIGHT = 8;

/** The file that Grafana imports. */
export function dashboardFile(): string {
  const datasource = { type: 'prometheus', uid: '$datasource' };
  let id = 0;
  let y = 0;
  const panels = Object.entries(rows).flatMap(([title, own]) => {
    const row = {
      id: ++id,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { h: 1, w: 24, x: 0, y },
    };
    y++;
    const placed = own.map((panel, at) => ({
      id: ++id,
      type: 'timeseries',
      title: panel.title,
      datasource,
      gridPos: { h: HEIGHT, w: WIDTH, x: (at % COLUMNS) * WIDTH, y: y + Math.floor(at / COLUMNS) * HEIGHT },
      fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
      options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
      targets: Object.entries(panel.targets).map(([legendFormat, expr], index) => ({
        refId: String.fromCharCode('A'.charCodeAt(0) + index),
        datasource,
        expr,
        legendFormat,
      })),
    }));
    y += Math.ceil(own.length / COLUMNS) * HEIGHT;
    return [row, ...placed];
  });
  const variables = [
    { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
    {
      name: 'instance',
      type: 'query',
      label: 'Server',
      datasource,
      query: { query: 'label_values(millrace_start_time_seconds, instance)', refId: 'instance' },
      refresh: 2,
      multi: true,
      includeAll: true,
      allValue: '.*',
      current: { text: 'All', value: '$__all' },
    },
  ];
  const dashboard = {
    uid: 'millrace',
    title: 'Millrace',
    tags: ['millrace'],
    schemaVersion: 39,
    editable: true,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: variables },
    panels,
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
