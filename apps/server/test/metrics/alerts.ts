/** The alerts of docs/monitoring/alerts.yml, each with series that raise it and such that do not. Samples are a minute apart. */
export interface Alert {
  readonly name: string;
  readonly expression: string;
  /** For how long it has to hold. */
  readonly for: string;
  readonly severity: 'warning' | 'critical';
  readonly summary: string;
  /** What to look at. */
  readonly look: string;
  readonly raisedBy: Readonly<Record<string, string>>;
  readonly notBy: Readonly<Record<string, string>>;
  /** Labels of the alert that is raised, besides its severity. */
  readonly labels: Readonly<Record<string, string>>;
}

export const alerts: readonly Alert[] = [
  {
    name: 'MillraceProcessNotReady',
    expression: 'millrace_process_ready == 0',
    for: '1m',
    severity: 'critical',
    summary:
      'A process of a server has not been ready for a minute: it is down, hangs, is stopped, or does not come up.',
    look: 'millrace status',
    raisedBy: { 'millrace_process_ready{role="worker", id="1"}': '0x20' },
    notBy: { 'millrace_process_ready{role="worker", id="1"}': '1 1 0 1 1 1 0 1 1 1 1 1' },
    labels: { role: 'worker', id: '1' },
  },
  {
    name: 'MillraceRestarts',
    expression: 'sum by (role, cause) (increase(millrace_restarts_total{cause!="order"}[10m])) > 5',
    for: '0m',
    severity: 'warning',
    summary: 'Processes of a server end again and again, and not because they were told to.',
    look: 'millrace logs --level warn',
    raisedBy: { 'millrace_restarts_total{role="worker", cause="signal"}': '0+1x20' },
    notBy: { 'millrace_restarts_total{role="worker", cause="order"}': '0+1x20' },
    labels: { role: 'worker', cause: 'signal' },
  },
  {
    name: 'MillraceReloadFailed',
    expression: 'sum(increase(millrace_reloads_total{outcome="failed"}[15m])) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'A reload has failed: the processes from before serve on.',
    look: 'millrace logs --level error',
    raisedBy: { 'millrace_reloads_total{outcome="failed"}': '0x8 1x12' },
    notBy: { 'millrace_reloads_total{outcome="reloaded"}': '0+1x20' },
    labels: {},
  },
  {
    name: 'MillraceLoopLate',
    expression: 'millrace_process_event_loop_delay_seconds > 0.25',
    for: '2m',
    severity: 'warning',
    summary: 'The event loop of a process is late: its handlers compute for long without giving it back.',
    look: 'millrace profile',
    raisedBy: { 'millrace_process_event_loop_delay_seconds{role="worker", id="0"}': '0.4x20' },
    notBy: { 'millrace_process_event_loop_delay_seconds{role="worker", id="0"}': '0.02x8 0.4 0.02x10' },
    labels: { role: 'worker', id: '0' },
  },
  {
    name: 'MillraceConnectionsRefused',
    expression: 'sum by (reason) (rate(millrace_connections_refused_total[5m])) > 0',
    for: '1m',
    severity: 'critical',
    summary: 'Clients are turned away: there are as many as the server may have, or descriptors for.',
    look: 'maxConnections, and ulimit -n',
    raisedBy: { 'millrace_connections_refused_total{reason="max_connections"}': '0+3x20' },
    notBy: { 'millrace_connections_refused_total{reason="max_connections"}': '7x20' },
    labels: { reason: 'max_connections' },
  },
  {
    name: 'MillraceHttpErrors',
    expression:
      'sum(rate(millrace_http_errors_total[5m])) / sum(rate(millrace_messages_received_total[5m])) > 0.01',
    for: '2m',
    severity: 'critical',
    summary:
      'More than a hundredth of the requests is answered 502 or 503 by the server, for its workers die or do not take them.',
    look: 'millrace logs --level warn',
    raisedBy: {
      'millrace_http_errors_total{code="502"}': '0+30x20',
      millrace_messages_received_total: '0+1000x20',
    },
    notBy: {
      'millrace_http_errors_total{code="502"}': '0+3x20',
      millrace_messages_received_total: '0+1000x20',
    },
    labels: {},
  },
  {
    name: 'MillraceTasksWait',
    expression:
      'histogram_quantile(0.99, sum by (task, le) (rate(millrace_task_wait_seconds_bucket[5m]))) > 5',
    for: '5m',
    severity: 'warning',
    summary: 'Tasks wait for more than 5 s before a task worker begins them.',
    look: 'millrace tasks',
    raisedBy: {
      'millrace_task_wait_seconds_bucket{task="resize", le="5"}': '0+1x20',
      'millrace_task_wait_seconds_bucket{task="resize", le="10"}': '0+60x20',
      'millrace_task_wait_seconds_bucket{task="resize", le="+Inf"}': '0+60x20',
    },
    notBy: {
      'millrace_task_wait_seconds_bucket{task="resize", le="5"}': '0+60x20',
      'millrace_task_wait_seconds_bucket{task="resize", le="10"}': '0+60x20',
      'millrace_task_wait_seconds_bucket{task="resize", le="+Inf"}': '0+60x20',
    },
    labels: { task: 'resize' },
  },
  {
    name: 'MillraceTaskFailures',
    expression:
      'sum by (task) (rate(millrace_task_outcomes_total{outcome="failed"}[5m])) / sum by (task) (rate(millrace_task_outcomes_total[5m])) > 0.05',
    for: '5m',
    severity: 'warning',
    summary: 'More than a twentieth of the tasks of a name fail.',
    look: 'millrace_task_failures_total, by code',
    raisedBy: {
      'millrace_task_outcomes_total{task="resize", outcome="failed"}': '0+10x20',
      'millrace_task_outcomes_total{task="resize", outcome="completed"}': '0+90x20',
    },
    notBy: {
      'millrace_task_outcomes_total{task="resize", outcome="failed"}': '0+1x20',
      'millrace_task_outcomes_total{task="resize", outcome="completed"}': '0+99x20',
    },
    labels: { task: 'resize' },
  },
  {
    name: 'MillraceTaskRunsLong',
    expression: 'time() - millrace_task_running_since_seconds > 300',
    for: '0m',
    severity: 'warning',
    summary: 'A task worker has run one task for more than 5 minutes.',
    look: 'millrace tasks',
    raisedBy: { 'millrace_task_running_since_seconds{worker="0", task="resize"}': '60x20' },
    notBy: { 'millrace_task_running_since_seconds{worker="0", task="resize"}': '0+60x20' },
    labels: { worker: '0', task: 'resize' },
  },
  {
    name: 'MillraceQueueFull',
    expression: 'millrace_queue_bytes / millrace_queue_capacity_bytes > 0.8',
    for: '1m',
    severity: 'warning',
    summary: 'What waits in a queue has nearly no room left: those that fill it are about to be slowed down.',
    look: 'millrace queues',
    raisedBy: {
      'millrace_queue_bytes{queue="clients"}': '900x20',
      'millrace_queue_capacity_bytes{queue="clients"}': '1000x20',
    },
    notBy: {
      'millrace_queue_bytes{queue="clients"}': '500x20',
      'millrace_queue_capacity_bytes{queue="clients"}': '1000x20',
    },
    labels: { queue: 'clients' },
  },
  {
    name: 'MillraceTableFull',
    expression: 'millrace_table_rows / millrace_table_capacity_rows > 0.9',
    for: '1m',
    severity: 'warning',
    summary: 'A table of the program has room for less than a tenth of its rows.',
    look: 'millrace tables',
    raisedBy: {
      'millrace_table_rows{table="visits"}': '95x20',
      'millrace_table_capacity_rows{table="visits"}': '100x20',
    },
    notBy: {
      'millrace_table_rows{table="visits"}': '80x20',
      'millrace_table_capacity_rows{table="visits"}': '100x20',
    },
    labels: { table: 'visits' },
  },
  {
    name: 'MillraceLogLinesLost',
    expression: 'increase(millrace_log_lines_lost_total[10m]) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'Lines of the log could not be written: the disk is full, or nobody reads the pipe.',
    look: 'df, and where logFile points',
    raisedBy: { millrace_log_lines_lost_total: '0x8 4x12' },
    notBy: { millrace_log_lines_lost_total: '4x20' },
    labels: {},
  },
  {
    name: 'MillraceMetricsLost',
    expression: 'sum by (metric) (increase(millrace_metrics_lost_total[10m])) > 0',
    for: '0m',
    severity: 'warning',
    summary:
      'A metric of the program has more series than there is room for: what is counted for others is lost.',
    look: 'its labels, and maxSeries',
    raisedBy: { 'millrace_metrics_lost_total{metric="requests_total"}': '0+1x20' },
    notBy: { 'millrace_metrics_lost_total{metric="requests_total"}': '3x20' },
    labels: { metric: 'requests_total' },
  },
];

/** The file that Prometheus loads. */
export function ruleFile(): string {
  const rules = alerts.map(({ name, expression, for: holds, severity, summary, look }) =>
    [
      `      - alert: ${name}`,
      `        expr: ${JSON.stringify(expression)}`,
      `        for: ${holds}`,
      `        labels:`,
      `          severity: ${severity}`,
      `        annotations:`,
      `          summary: ${JSON.stringify(summary)}`,
      `          look: ${JSON.stringify(look)}`,
    ].join('\n'),
  );
  return `groups:\n  - name: millrace\n    rules:\n${rules.join('\n')}\n`;
}

/** What promtool runs against those: each alert with series that raise it, and with such that do not. YAML takes JSON. */
export function ruleTests(file: string): string {
  const tests = alerts.flatMap(({ name, severity, summary, look, raisedBy, notBy, labels }) =>
    [raisedBy, notBy].map((series) => ({
      interval: '1m',
      input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
      alert_rule_test: [
        {
          eval_time: '12m',
          alertname: name,
          exp_alerts:
            series === raisedBy
              ? [{ exp_labels: { severity, ...labels }, exp_annotations: { summary, look } }]
              : [],
        },
      ],
    })),
  );
  return JSON.stringify({ rule_files: [file], evaluation_interval: '1m', tests });
}
