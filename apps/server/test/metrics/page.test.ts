import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OPENMETRICS_CONTENT_TYPE } from '@millrace/metrics/text';
import { openMetricsComplaints, promtoolComplaints, whyNoPromtool } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { CLOSE_CAUSES } from '../../src/contract/close-causes.js';
import type { CloseCounts, ServerStats } from '../../src/index.js';
import {
  labelledMetrics,
  renderServerMetrics,
  type ServerMetricsInput,
  serverMetrics,
} from '../../src/metrics.js';

const TOP = fileURLToPath(new URL('../../../../', import.meta.url));

const stats: ServerStats = {
  startTime: 1_700_000_000_500,
  connectionNum: 3,
  acceptCount: 10,
  closeCount: 7,
  closeCounts: {
    ...(Object.fromEntries(CLOSE_CAUSES.map((cause) => [cause, 0])) as CloseCounts),
    client: 4,
    reset: 3,
  },
  abortCount: 1,
  descriptorAbortCount: 2,
  workerNum: 4,
  taskWorkerNum: 2,
  userWorkerNum: 1,
  idleWorkerNum: 3,
  dispatchCount: 20,
  requestCount: 19,
  responseCount: 18,
  concurrency: 1,
  totalRecvBytes: 1_000,
  totalSendBytes: 2_000,
  droppedPackets: 0,
  clientHoldCount: 5,
  clientMemory: 4_096,
  clientMemoryHoldCount: 6,
  clientMemoryCloseCount: 1,
  badGatewayCount: 8,
  unavailableCount: 9,
  retriedRequestCount: 4,
  givenUpRequestCount: 1,
  deathResetCount: 1,
  deathCloseCount: 2,
  deathRestartCount: 3,
  lostLogLines: 0,
  taskCount: 12,
  taskCompletedCount: 9,
  taskFailedCount: 1,
  taskingNum: 1,
  taskRunningNum: 1,
  taskIdleWorkerNum: 1,
  taskQueueNum: 4,
  taskQueueBytes: 400,
  taskGarbageCount: 0,
  taskOrphanFailedCount: 0,
  publishCount: 0,
  deliverCount: 0,
  droppedPublications: 0,
  engineConnected: true,
  engineWaitingNum: 4,
  engineDelayedNum: 2,
  engineRunningNum: 3,
  engineHostNum: 2,
  engineDisconnectCount: 1,
  remoteRetryCount: 5,
  remoteLookUpCount: 1,
  remoteLostCount: 0,
  hostRunningNum: 1,
  hostSlotNum: 4,
  hostSettledCount: 9,
  hostLostCount: 1,
  hostAgainCount: 2,
  hostCancelCount: 3,
  hostStallCount: 1,
  busPublishCount: 4,
  busDeliverCount: 5,
  busDroppedCount: 0,
  busReconnectCount: 1,
  sessionRound: 10,
};

const whole: ServerMetricsInput = {
  stats,
  running: [{ worker: 0, task: 'count', since: 1_700_000_000_000 }],
  queues: [{ name: 'reactor:0 -> worker:0', messages: 1, bytes: 64, capacityBytes: 1_024 }],
  listeners: [
    {
      ...{ index: 1, address: '127.0.0.1:9501', connections: 2, accepted: 5, refused: 1 },
      ...{ messagesIn: 7, messagesOut: 8, bytesIn: 70, bytesOut: 80 },
    },
  ],
  tables: [{ name: 'visits', rows: 1, capacity: 10, bytes: 4_096 }],
  processes: [
    { role: 'master', id: 0, cpuSeconds: 1.5, residentBytes: 5e7, startTime: 1_700_000_000 },
    {
      role: 'worker',
      id: 1,
      ready: true,
      cpuSeconds: 2,
      residentBytes: 6e7,
      startTime: 1_700_000_001,
      eventLoopDelay: 0.011,
    },
  ],
};

test('each number of a snapshot is on the page', () => {
  const page = renderServerMetrics(whole);
  expect(page).toContain('# TYPE millrace_connections gauge\nmillrace_connections 3\n');
  expect(page).toContain('millrace_start_time_seconds 1700000000.5\n');
  expect(page).toContain('millrace_connections_closed_total{cause="reset"} 3\n');
  expect(page).toContain('millrace_connections_closed_total{cause="worker_died"} 0\n');
  expect(page).toContain('millrace_listener_sent_bytes_total{listener="1",address="127.0.0.1:9501"} 80\n');
  expect(page).toContain('millrace_connections_refused_total{reason="max_connections"} 1\n');
  expect(page).toContain('millrace_http_errors_total{code="503"} 9\n');
  expect(page).toContain('millrace_http_retries_total 4\n');
  expect(page).toContain('millrace_http_given_up_total 1\n');
  expect(page).toContain('millrace_tasks{state="waiting"} 1\n');
  expect(page).toContain('millrace_engine_tasks{state="delayed"} 2\n');
  expect(page).toContain('millrace_host_claims_total{outcome="again"} 2\n');
  expect(page).toContain('millrace_process_event_loop_delay_seconds{role="worker",id="1"} 0.011\n');
  expect(page).not.toContain('millrace_process_event_loop_delay_seconds{role="master"');
});

test('what a server has not is not on its page', () => {
  const { taskQueueNum: _, taskQueueBytes: __, ...rest } = stats;
  const page = renderServerMetrics({ stats: rest });
  for (const name of ['task_queue_messages', 'task_queue_bytes', 'process_cpu_seconds_total'])
    expect(page).not.toContain(`millrace_${name}`);
});

test('every metric has samples in a whole snapshot, with the labels that it is documented with', () => {
  for (const { name, labels, read } of serverMetrics) {
    const samples = read(whole);
    expect(samples.length, name).toBeGreaterThan(0);
    for (const sample of samples) expect(Object.keys(sample.labels ?? {}), name).toEqual(labels);
  }
});

describe.skipIf(whyNoPromtool())('by promtool', () => {
  test('the page is right in the text of Prometheus', () => {
    expect(promtoolComplaints(renderServerMetrics(whole))).toBe('');
  });

  test('the page is right in OpenMetrics', () => {
    expect(openMetricsComplaints(renderServerMetrics(whole, OPENMETRICS_CONTENT_TYPE))).toBe('');
  });

  test('a page that is wrong is told from one that is right', () => {
    expect(promtoolComplaints('# TYPE a counter\na{b=} 1\n')).not.toBe('');
    expect(openMetricsComplaints('# TYPE a counter\na 1\n')).not.toBe('');
  });
});

test('docs/metrics.md lists every metric of the server, as it is defined', async () => {
  const rows = [...serverMetrics, ...labelledMetrics].map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  await expect(`# Metrics of a server

[monitoring/alerts.yml](monitoring/alerts.yml) has alert rules for Prometheus, [monitoring/grafana.json](monitoring/grafana.json) a dashboard for Grafana
(Dashboards → New → Import).

What a server tells of itself, as Prometheus reads it, in its text or in OpenMetrics: \`GET /metrics\` of the [admin interface](admin.md), with the
metrics that the program counts by [@millrace/metrics](../packages/metrics/README.md). A metric that a server has nothing for is not on its page. Of a
program without an admin interface \`renderServerMetrics\` of \`@millrace/server/metrics\` makes the page of a snapshot (\`server.stats()\`): of the metrics
below those up to the processes.

This page is made from the definitions: \`npx vitest run test/metrics/page.test.ts -u\` in apps/server writes it anew.

| metric | type | labels | what it is |
|---|---|---|---|
${rows.join('\n')}
`).toMatchFileSnapshot(join(TOP, 'docs/metrics.md'));
});
