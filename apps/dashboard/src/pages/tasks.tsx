import type { QueueReport, TaskReport, TasksReport } from '../reports.js';
import { hrefOf } from '../state/route.js';
import { bytes, count, duration, milliseconds, titleOf } from '../ui/format.js';
import { Empty, Panel } from '../ui/parts.js';
import { PolledPart, usePolled } from '../ui/polled.js';
import { type Column, Table } from '../ui/table.js';

const TASKS: readonly Column<TaskReport>[] = [
  { title: 'Task', of: ({ name }) => name },
  { title: 'Waiting', number: true, of: ({ waiting }) => count(waiting) },
  { title: 'Running', number: true, of: ({ running }) => count(running) },
  { title: 'Completed', number: true, of: ({ completed }) => count(completed) },
  { title: 'Failed', number: true, of: ({ failed }) => count(failed) },
  { title: 'Waited, half of them', number: true, of: ({ waitP50Ms }) => milliseconds(waitP50Ms) },
  { title: 'Waited, 99 %', number: true, of: ({ waitP99Ms }) => milliseconds(waitP99Ms) },
  { title: 'Ran, half of them', number: true, of: ({ runP50Ms }) => milliseconds(runP50Ms) },
  { title: 'Ran, 99 %', number: true, of: ({ runP99Ms }) => milliseconds(runP99Ms) },
];

const QUEUES: readonly Column<QueueReport>[] = [
  { title: 'Queue', of: ({ name }) => name },
  { title: 'Kind', of: ({ kind }) => kind },
  { title: 'Messages', number: true, of: ({ messages }) => count(messages) },
  { title: 'At most', number: true, of: ({ capacity }) => count(capacity) },
  { title: 'Waiting', number: true, of: (queue) => bytes(queue.bytes) },
  { title: 'Room for', number: true, of: ({ capacityBytes }) => bytes(capacityBytes) },
];

/** What is asked of task workers, how long that takes, and what waits between the processes. */
export function Tasks() {
  const tasks = usePolled<TasksReport>('/v1/tasks');
  const queues = usePolled<{ readonly queues: readonly QueueReport[] }>('/v1/queues');
  return (
    <>
      <h1 tabIndex={-1}>Tasks</h1>
      <Panel title="By name" id="tasks">
        <PolledPart polled={tasks} absent="This server does not tell of its tasks.">
          {(report) =>
            report.tasks.length === 0 ? (
              <Empty>The program has no tasks.</Empty>
            ) : (
              <Table caption="Tasks by name" columns={TASKS} rows={report.tasks} keyOf={({ name }) => name} />
            )
          }
        </PolledPart>
      </Panel>
      {tasks.value !== undefined && tasks.value.workers.length > 0 && (
        <Panel title="Task workers" id="workers">
          <Table
            caption="What each task worker runs"
            columns={workerColumns(tasks.value.at)}
            rows={tasks.value.workers}
            keyOf={({ process }) => process}
          />
        </Panel>
      )}
      <Panel title="What waits between processes" id="queues">
        <PolledPart polled={queues} absent="This server does not tell of its queues.">
          {(report) => (
            <Table
              caption="Queues"
              columns={QUEUES}
              rows={report.queues}
              keyOf={({ name, kind }) => `${kind} ${name}`}
            />
          )}
        </PolledPart>
      </Panel>
    </>
  );
}

const workerColumns = (now: number): readonly Column<TasksReport['workers'][number]>[] => [
  { title: 'Task worker', of: ({ process }) => <a href={hrefOf('process', process)}>{titleOf(process)}</a> },
  { title: 'Runs', of: ({ task }) => task ?? 'nothing' },
  {
    title: 'For',
    number: true,
    of: ({ since }) => (since === null ? '' : duration(Math.max(0, now - since))),
  },
];
