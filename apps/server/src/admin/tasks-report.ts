import type { MetricFamily, Sample } from '@millrace/metrics/text';
import { peerOfTaskWorker } from '../links/task-topology.js';
import {
  EVENT_TASKS,
  type LabelledMetric,
  TASK_OUTCOMES,
  TASK_PENDING,
  TASK_RUN,
  TASK_WAIT,
} from '../metrics/labelled.js';
import { quantile } from '../metrics/quantile.js';
import type { Counters } from '../shared/counters.js';
import { TASK_RUNNING, TASK_SINCE, TASKS_AT_HAND } from '../shared/counters-layout.js';
import { publishedSize } from '../shared/server-size.js';
import type { AdminAssignment } from './admin-assignment.js';
import type { EngineReport, TaskReport, TasksReport } from './work-schemas.js';

/** What a task worker runs. */
export interface RunningTask {
  readonly worker: number;
  /** Null: nothing. */
  readonly task: string | null;
  readonly since: number | null;
}

/** What each task worker runs, as it has written that down. */
export function runningTasks({ topology, tasks }: AdminAssignment, counters: Counters): RunningTask[] {
  const names = ['other', EVENT_TASKS, ...tasks];
  return Array.from({ length: publishedSize(counters).taskWorkers }, (_, worker) => {
    const of = (counter: number) => counters.ofProcess(peerOfTaskWorker(topology, worker), counter);
    if (of(TASKS_AT_HAND) === 0) return { worker, task: null, since: null };
    const since = counters.process(peerOfTaskWorker(topology, worker))[TASK_SINCE] as number;
    const told = Number.isFinite(since) && since > 0 ? Math.round(since) : null;
    return { worker, task: names[of(TASK_RUNNING)] ?? 'other', since: told };
  });
}

/** Tasks by their names, and what each task worker runs, of what the processes of the server have counted. */
export function tasksReport(
  families: readonly MetricFamily[],
  running: readonly RunningTask[],
  engine: EngineReport | null,
): TasksReport {
  const samplesOf = ({ name }: LabelledMetric) =>
    families.find((family) => family.name === name)?.samples ?? [];
  const outcomes = samplesOf(TASK_OUTCOMES);
  const pending = samplesOf(TASK_PENDING);
  const waits = samplesOf(TASK_WAIT);
  const runs = samplesOf(TASK_RUN);
  const begun = running.flatMap(({ task }) => task ?? []);
  const names = [...new Set([...[...pending, ...outcomes].map(nameOf), ...begun])].sort();
  return {
    at: Date.now(),
    engine,
    tasks: names.map((name) => {
      const own = of(name);
      const begun = running.filter(({ task }) => task === name).length;
      const count = (outcome: string) =>
        countOf(outcomes.find((sample) => own(sample) && sample.labels?.outcome === outcome)?.value);
      return {
        name,
        waiting: Math.max(0, countOf(pending.find(own)?.value) - begun),
        running: begun,
        completed: count('completed'),
        failed: count('failed'),
        ...quantiles('wait', waits.filter(own)),
        ...quantiles('run', runs.filter(own)),
      } as TaskReport;
    }),
    workers: running.map(({ worker, task, since }) => ({ process: `task-worker:${worker}`, task, since })),
  };
}

const nameOf = ({ labels }: Sample) => String(labels?.task ?? '');
const of = (name: string) => (sample: Sample) => nameOf(sample) === name;

/** Any process may have written over it. */
const countOf = (value = 0) => (Number.isSafeInteger(value) && value > 0 ? value : 0);

export function quantiles(
  kind: 'wait' | 'run' | 'reply',
  samples: readonly Sample[],
): Record<string, number | null> {
  const buckets = samples.filter(({ suffix }) => suffix === '_bucket');
  const ms = (q: number) => {
    const seconds = quantile(q, buckets);
    return seconds === undefined ? null : Math.round(seconds * 1e6) / 1e3;
  };
  return { [`${kind}P50Ms`]: ms(0.5), [`${kind}P99Ms`]: ms(0.99) };
}
