// What the admin interface says of tasks, queues and tables. The OpenAPI document is made of these, and so are the types.

import * as v from 'valibot';

const number = v.pipe(v.number(), v.minValue(0));
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const said = <S extends v.GenericSchema>(schema: S, text: string) => v.pipe(schema, v.description(text));

const milliseconds = v.nullable(number);

export const taskSchema = v.strictObject({
  name: said(
    v.string(),
    "As in the option `tasks`; those for the handler of the event `task` are `on('task')`.",
  ),
  waiting: whole,
  running: whole,
  completed: whole,
  failed: whole,
  waitP50Ms: said(milliseconds, 'Of answered tasks, since the start of the server; null: none was answered.'),
  waitP99Ms: milliseconds,
  runP50Ms: milliseconds,
  runP99Ms: milliseconds,
});
export const taskWorkerSchema = v.strictObject({
  process: v.string(),
  task: said(v.nullable(v.string()), 'What it runs; null: nothing.'),
  since: said(v.nullable(number), 'Milliseconds since 1970.'),
});
export const hostSchema = v.strictObject({
  address: said(v.string(), 'As the host has told the engine.'),
  running: whole,
});
export const engineSchema = v.strictObject({
  name: v.string(),
  connected: v.boolean(),
  waiting: said(
    whole,
    'In its queue, of all servers and pools on it, as it has said last; so are the next two.',
  ),
  delayed: whole,
  running: whole,
  hosts: said(
    v.array(hostSchema),
    'Those that have told of themselves lately; where this server has task workers.',
  ),
  disconnects: said(whole, 'Connections of this server to it that were lost.'),
  retried: said(whole, 'Attempts beyond the first, of answered tasks that this server has asked for.'),
  lookedUp: said(whole, 'Answers that no reply brought.'),
  lost: said(whole, 'Tasks that it had accepted and knew no more.'),
  replyP50Ms: said(milliseconds, 'From the call to the answer.'),
  replyP99Ms: milliseconds,
  here: said(
    v.nullable(
      v.strictObject({
        running: whole,
        slots: said(whole, 'Tasks that the task workers can run at a time.'),
        settled: said(whole, 'Run to an end.'),
        lost: said(whole, 'Claims that another host got meanwhile.'),
        again: said(whole, 'Given back for another attempt.'),
        cancelled: whole,
        stalled: said(whole, 'Claims of any host that were found not renewed.'),
      }),
    ),
    'This server as a host; null: it has no task workers.',
  ),
});
export type EngineReport = v.InferOutput<typeof engineSchema>;

export const tasksSchema = v.strictObject({
  at: number,
  engine: said(v.nullable(engineSchema), 'What brings tasks to other machines; null: nothing does.'),
  tasks: v.array(taskSchema),
  workers: v.array(taskWorkerSchema),
});
export type TaskReport = v.InferOutput<typeof taskSchema>;
export type TasksReport = v.InferOutput<typeof tasksSchema>;

export const queueSchema = v.strictObject({
  name: v.string(),
  kind: said(
    v.picklist(['ring', 'pipe', 'backlog', 'posix', 'sysv', 'memory']),
    "'ring' and 'pipe': from a reactor thread to a worker, and back. 'backlog': tasks that have not begun. 'posix', 'sysv': a queue of the system. 'memory': what is held for all clients together.",
  ),
  messages: said(
    v.nullable(whole),
    'Sent and not finished, those that are worked on included; null: it is not counted.',
  ),
  capacity: said(v.nullable(whole), 'Messages at most.'),
  bytes: said(v.nullable(whole), 'That wait in it; null: the kernel does not tell.'),
  capacityBytes: v.nullable(whole),
});
export const queuesSchema = v.strictObject({ at: number, queues: v.array(queueSchema) });
export type QueueReport = v.InferOutput<typeof queueSchema>;

export const tableSchema = v.strictObject({
  name: v.string(),
  rows: whole,
  capacity: said(whole, 'Rows that it has room for.'),
  bytes: said(whole, 'Of its memory, all of which it has from the beginning.'),
  hits: said(whole, 'Reads (`get`, `has`) of rows that were there, as processes tell each second.'),
  misses: whole,
  hitRate: said(v.nullable(number), 'The share of hits, from 0 to 1; null: it was not read.'),
});
export const tablesSchema = v.strictObject({ at: number, tables: v.array(tableSchema) });
export type TableReport = v.InferOutput<typeof tableSchema>;
