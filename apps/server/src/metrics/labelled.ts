import type { ServerMetric } from './definitions.js';

/**
 * What the server counts with labels that only its processes know: a metric of each name in a registry of the server's own, see
 * server-registry.ts. All other numbers are in the counters, see definitions.ts.
 */
export interface LabelledMetric extends Pick<ServerMetric, 'name' | 'help'> {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  /** Of a histogram: upper bounds. */
  readonly buckets?: readonly number[];
}

/** What tasks without a name are called, which are for the handler of the event `task`. */
export const EVENT_TASKS = "on('task')";

/** From what a task takes that adds two numbers up to one that works for minutes. */
export const TASK_SECONDS: readonly number[] = [
  0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
  300,
];
const DELAY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export const TASK_WAIT = metric(
  'histogram',
  'task_wait_seconds',
  'How long answered tasks had waited before they were begun, the way to the task worker and back included.',
  ['task'],
  TASK_SECONDS,
);
export const TASK_RUN = metric(
  'histogram',
  'task_run_seconds',
  'How long answered tasks have run.',
  ['task'],
  TASK_SECONDS,
);
export const TASK_REPLY = metric(
  'histogram',
  'remote_task_reply_seconds',
  'How long it took from the call of a task over an engine to its answer.',
  [],
  TASK_SECONDS,
);
export const HOST_TASKS = metric(
  'gauge',
  'engine_host_tasks',
  'Tasks that a host of the engine runs, by its address there, as it has told last; of 64 hosts at most.',
  ['host'],
);
export const TASK_PENDING = metric(
  'gauge',
  'task_pending',
  'Tasks that have no answer yet, by name: those that wait and those that run.',
  ['task'],
);
export const TASK_OUTCOMES = metric(
  'counter',
  'task_outcomes_total',
  'Tasks that have been answered, by name.',
  ['task', 'outcome'],
);
export const TASK_FAILURES = metric(
  'counter',
  'task_failures_total',
  "Tasks that have failed, by name and the code of their error; 'other' where that has none.",
  ['task', 'code'],
);
export const TABLE_READS = metric(
  'counter',
  'table_reads_total',
  'Reads of the tables of the program (`get`, `has`), by whether there was a row; as processes tell each second.',
  ['table', 'outcome'],
);
export const ERRORS = metric(
  'counter',
  'errors_total',
  "Errors in the log of the server, from warnings on, by their codes; 'other' where they have none.",
  ['code'],
);
export const RESTARTS = metric(
  'counter',
  'restarts_total',
  'Processes that ended and were replaced, by the cause of their end: an order (a reload, a limit that was reached), an error, a signal, a loop that hung, a start or stop that took too long.',
  ['role', 'cause'],
);
export const RELOADS = metric('counter', 'reloads_total', 'Reloads, by what came of them.', ['outcome']);
export const LOOP_DELAY = metric(
  'histogram',
  'event_loop_delay_seconds',
  'How late the event loop of a process was, at moments 20 ms apart while it was busy.',
  ['role', 'id'],
  DELAY_SECONDS,
);

/** Every one, in the order of the page. */
export const labelledMetrics: readonly LabelledMetric[] = [
  TASK_WAIT,
  TASK_RUN,
  TASK_REPLY,
  HOST_TASKS,
  TASK_PENDING,
  TASK_OUTCOMES,
  TASK_FAILURES,
  TABLE_READS,
  ERRORS,
  RESTARTS,
  RELOADS,
  LOOP_DELAY,
];

function metric(
  type: LabelledMetric['type'],
  name: string,
  help: string,
  labels: readonly string[],
  buckets?: readonly number[],
): LabelledMetric {
  return { name: `millrace_${name}`, help, type, labels, ...(buckets && { buckets }) };
}
