import type { MetricFamily } from '@millrace/metrics/text';
import type { ServerStats } from '../api/stats.js';
import { HOST_TASKS, type LabelledMetric, TASK_REPLY } from '../metrics/labelled.js';
import { quantiles } from './tasks-report.js';
import type { EngineReport } from './work-schemas.js';

/** What the processes of the server tell of their engine of tasks. */
export function engineReport(
  name: string,
  stats: ServerStats,
  families: readonly MetricFamily[],
): EngineReport {
  const samplesOf = (metric: LabelledMetric) =>
    families.find((family) => family.name === metric.name)?.samples ?? [];
  const hosts = samplesOf(HOST_TASKS).map(({ labels, value }) => ({
    address: String(labels?.host ?? ''),
    running: Number.isSafeInteger(value) && value > 0 ? value : 0,
  }));
  const { hostSettledCount } = stats;
  return {
    name,
    connected: stats.engineConnected === true,
    waiting: stats.engineWaitingNum ?? 0,
    delayed: stats.engineDelayedNum ?? 0,
    running: stats.engineRunningNum ?? 0,
    hosts,
    disconnects: stats.engineDisconnectCount ?? 0,
    retried: stats.remoteRetryCount ?? 0,
    lookedUp: stats.remoteLookUpCount ?? 0,
    lost: stats.remoteLostCount ?? 0,
    ...(quantiles('reply', samplesOf(TASK_REPLY)) as Pick<EngineReport, 'replyP50Ms' | 'replyP99Ms'>),
    here:
      hostSettledCount === undefined
        ? null
        : {
            running: stats.hostRunningNum ?? 0,
            slots: stats.hostSlotNum ?? 0,
            settled: hostSettledCount,
            lost: stats.hostLostCount ?? 0,
            again: stats.hostAgainCount ?? 0,
            cancelled: stats.hostCancelCount ?? 0,
            stalled: stats.hostStallCount ?? 0,
          },
  };
}
