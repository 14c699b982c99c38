import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { type Column, duration, grouped, milliseconds, painter, table } from '../admin/format.js';
import type { EngineReport, TaskReport, TasksReport, TaskWorkerReport } from '../admin/reports.js';

/** Prints tasks by their names, and what each task worker runs. */
export async function tasks(name: string | undefined, { json }: { readonly json?: true }): Promise<void> {
  const client = new AdminClient(findServer(name));
  const report = await client.get<TasksReport>('/v1/tasks');
  if (json) return console.log(JSON.stringify(report));
  const { at, workers, engine } = report;
  if (workers.length === 0 && engine === null)
    return console.error(`The server '${client.place.name}' has no task workers.`);
  const paint = painter(process.stdout);
  const tables = [
    ...(engine === null ? [] : [table(ENGINE, [engine])]),
    ...(engine === null || engine.hosts.length === 0 ? [] : [table(HOSTS, engine.hosts)]),
    table(TASKS, report.tasks),
    ...(workers.length === 0 ? [] : [table(workerColumns(at), workers)]),
  ];
  const lines = tables.map(([titles = '', ...rows]) => [paint('dim', titles), ...rows].join('\n'));
  console.log(lines.join('\n\n'));
}

const ENGINE: readonly Column<EngineReport>[] = [
  { title: 'ENGINE', of: ({ name, connected }) => (connected ? name : `${name} (away)`) },
  { title: 'WAITING', of: ({ waiting }) => grouped(waiting), right: true },
  { title: 'DELAYED', of: ({ delayed }) => grouped(delayed), right: true },
  { title: 'RUNNING', of: ({ running }) => grouped(running), right: true },
  { title: 'HERE', of: ({ here }) => (here === null ? '-' : `${here.running}/${here.slots}`), right: true },
  { title: 'DONE HERE', of: ({ here }) => (here === null ? '-' : grouped(here.settled)), right: true },
  { title: 'STALLED', of: ({ here }) => (here === null ? '-' : grouped(here.stalled)), right: true },
  { title: 'RETRIED', of: ({ retried }) => grouped(retried), right: true },
  { title: 'LOST', of: ({ lost }) => grouped(lost), right: true },
  { title: 'REPLY P50', of: ({ replyP50Ms }) => milliseconds(replyP50Ms), right: true },
  { title: 'P99', of: ({ replyP99Ms }) => milliseconds(replyP99Ms), right: true },
];

const HOSTS: readonly Column<EngineReport['hosts'][number]>[] = [
  { title: 'HOST', of: ({ address }) => address },
  { title: 'RUNNING', of: ({ running }) => grouped(running), right: true },
];

const TASKS: readonly Column<TaskReport>[] = [
  { title: 'TASK', of: ({ name }) => name },
  { title: 'WAITING', of: ({ waiting }) => grouped(waiting), right: true },
  { title: 'RUNNING', of: ({ running }) => grouped(running), right: true },
  { title: 'DONE', of: ({ completed }) => grouped(completed), right: true },
  { title: 'FAILED', of: ({ failed }) => grouped(failed), right: true },
  { title: 'WAIT P50', of: ({ waitP50Ms }) => milliseconds(waitP50Ms), right: true },
  { title: 'P99', of: ({ waitP99Ms }) => milliseconds(waitP99Ms), right: true },
  { title: 'RUN P50', of: ({ runP50Ms }) => milliseconds(runP50Ms), right: true },
  { title: 'P99', of: ({ runP99Ms }) => milliseconds(runP99Ms), right: true },
];

const workerColumns = (at: number): readonly Column<TaskWorkerReport>[] => [
  { title: 'PROCESS', of: ({ process: worker }) => worker },
  { title: 'RUNS', of: ({ task }) => task ?? '-' },
  {
    title: 'FOR',
    of: ({ since }) => (since === null ? '-' : duration(Math.max(0, at - since))),
    right: true,
  },
];
