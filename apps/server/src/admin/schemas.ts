// What the admin interface says and takes. The OpenAPI document is made of these, and so are the types.

import * as v from 'valibot';
import { CLOSE_CAUSES, type CloseCause } from '../contract/close-causes.js';
import { LOG_LEVELS } from '../options/options.js';
import { ADMIN_SIGNALS } from './admin-assignment.js';

const number = v.pipe(v.number(), v.minValue(0));
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const orNull = <S extends v.GenericSchema>(schema: S) => v.nullable(schema);
const said = <S extends v.GenericSchema>(schema: S, text: string) => v.pipe(schema, v.description(text));

type CountSchemas = Record<CloseCause, typeof whole>;

export const serverState = said(
  v.picklist(['starting', 'ready', 'degraded', 'draining']),
  "'degraded': it serves, and a process of it is down, hangs, is stopped or only starts. 'draining': it ends, and finishes what it has.",
);

export const statusSchema = v.strictObject({
  name: said(v.string(), 'What the server is found by.'),
  title: said(v.string(), 'The first word of what ps shows of its processes.'),
  state: serverState,
  mode: v.picklist(['process', 'base']),
  httpEngine: said(
    v.picklist(['node', 'lean']),
    "What reads the requests of a program's servers of node:http, and of those that serve names no engine for.",
  ),
  pid: said(whole, 'The master.'),
  node: said(v.string(), 'The version of Node.'),
  startedAt: said(number, 'Milliseconds since 1970.'),
  uptimeMs: number,
  at: said(number, 'When this was read: milliseconds since 1970.'),
  connections: v.strictObject({
    open: whole,
    limit: said(whole, 'maxConnections.'),
    accepted: whole,
    closed: whole,
    closedBy: said(
      v.strictObject(Object.fromEntries(CLOSE_CAUSES.map((cause) => [cause, whole])) as CountSchemas),
      'How many of those for what: see docs/metrics.md for the causes.',
    ),
    turnedAway: said(whole, 'There were as many as the limit, or no descriptors were left.'),
  }),
  messages: v.strictObject({
    received: said(whole, 'Messages that workers have got; of HTTP clients, what came of one read.'),
    answered: whole,
    underWay: said(whole, 'Sent to workers, and not finished.'),
    bytesIn: whole,
    bytesOut: whole,
  }),
  tasks: v.strictObject({
    asked: whole,
    completed: whole,
    failed: whole,
    waiting: whole,
    running: whole,
  }),
  deaths: v.strictObject({
    answered502: said(whole, 'Requests that were in hand when their worker died.'),
    answered503: said(whole, 'Requests that no worker took in time.'),
    reset: said(whole, 'Connections that were reset with their worker.'),
  }),
  size: v.strictObject({
    workers: whole,
    maxWorkers: said(whole, 'maxWorkerNum: as far as it may be scaled.'),
    taskWorkers: whole,
    maxTaskWorkers: whole,
  }),
  processes: v.strictObject({ total: whole, ready: whole, restarts: whole, failures: whole }),
  lostLogLines: whole,
  adminAddress: said(
    orNull(v.strictObject({ host: v.string(), port: whole })),
    'Where this interface, and its page for browsers, are served over TCP; null: nowhere.',
  ),
});
export type StatusReport = v.InferOutput<typeof statusSchema>;

export const processSchema = v.strictObject({
  name: said(
    v.string(),
    "As 'worker:0', 'task-worker:1', 'user-process:0', 'standby:0', 'bus', 'task-broker', 'manager', 'master' or 'admin'.",
  ),
  role: v.picklist([
    'master',
    'manager',
    'worker',
    'standby',
    'task-worker',
    'user-process',
    'service',
    'admin',
  ]),
  id: said(whole, 'Counts those of its role; of a standby, the worker that it waits for.'),
  pid: orNull(whole),
  state: said(
    v.picklist(['starting', 'ready', 'hanging', 'stopped', 'down', 'leaving', 'standby']),
    "'leaving': the server was scaled down by it, and it finishes what it has. 'hanging': its loop has not turned for 2.5 s. 'stopped': by a signal or a debugger. 'down': there is none; the next one is on its way. 'standby': it waits for the end of the process of its worker, or loads for that.",
  ),
  uptimeMs: said(orNull(number), 'null, as memory and processor time are: there is none, or /proc hides it.'),
  cpuMs: said(orNull(number), 'Milliseconds of processor time since its start.'),
  cpuPercent: said(orNull(number), 'The share of one processor lately.'),
  memory: said(orNull(whole), 'Resident memory in bytes.'),
  loopDelayMs: said(orNull(number), 'How late its loop was at the last full second.'),
  loopDelayP99Ms: said(
    orNull(number),
    'How late its loop was in the last 5 to 10 s, at the 99th percentile.',
  ),
  restarts: said(orNull(whole), 'How many processes have had the name before, those of reloads as well.'),
  failures: said(orNull(whole), 'How many of those ended with an error or by a signal.'),
  lastFailure: said(orNull(v.string()), "As 'SIGKILL' or 'code 1'."),
  connections: said(orNull(whole), 'Of workers.'),
  messages: said(orNull(whole), 'That a worker has got.'),
  messagesUnderWay: said(orNull(whole), 'That a worker has not finished.'),
  tasksRunning: said(orNull(whole), 'In a task worker.'),
  tasksAsked: said(orNull(whole), 'By a worker or user process.'),
});
export type ProcessReport = v.InferOutput<typeof processSchema>;

export const processesSchema = v.strictObject({ at: number, processes: v.array(processSchema) });

export const listenerSchema = v.strictObject({
  index: said(whole, 'In the order of addListener.'),
  type: v.picklist(['stream', 'datagram']),
  protocol: said(
    orNull(v.string()),
    "What its clients send: 'messages', or 'http' and 'stream' for servers of Node's own; null where a program has asked for it.",
  ),
  tls: v.boolean(),
  host: said(orNull(v.string()), 'null where a program has asked for it, or another one has bound it.'),
  port: orNull(whole),
  path: orNull(v.string()),
  connections: said(whole, 'Open ones.'),
  accepted: whole,
  refused: said(whole, 'Closed at once: there were maxConnections, or no descriptors were left.'),
  messagesIn: said(whole, 'Messages, requests or datagrams of its clients.'),
  messagesOut: said(whole, 'What processes have sent to its clients; of HTTP, each piece of an answer.'),
  bytesIn: said(whole, 'Without what framing takes off.'),
  bytesOut: whole,
  rates: said(
    orNull(
      v.strictObject({
        accepted: number,
        messagesIn: number,
        messagesOut: number,
        bytesIn: number,
        bytesOut: number,
      }),
    ),
    'Of the same in a second, lately; null: this interface has run for less than that.',
  ),
});
export const listenersSchema = v.strictObject({ at: number, listeners: v.array(listenerSchema) });
export type ListenerReport = v.InferOutput<typeof listenerSchema>;

export const connectionSchema = v.strictObject({
  session: whole,
  listener: whole,
  remoteAddress: said(v.string(), 'Empty for clients of unix sockets.'),
  remotePort: whole,
  reactor: whole,
  worker: orNull(whole),
  connectedAt: said(number, 'Milliseconds since 1970, as the others.'),
  lastReceivedAt: number,
  lastSentAt: number,
  queuedBytes: said(whole, 'What waits for it to be read.'),
  paused: v.boolean(),
  tls: v.boolean(),
});
export type ConnectionReport = v.InferOutput<typeof connectionSchema>;
export const connectionsSchema = v.strictObject({
  at: number,
  open: whole,
  connections: v.array(connectionSchema),
  next: said(orNull(whole), 'What after has to be for the next page; null: this is the last.'),
});

/** A client counts with whole numbers in its query. */
const inQuery = (most: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,16}$/, 'a whole number'),
    v.transform(Number),
    v.maxValue(most, `${most} at most`),
  );
export const connectionsQuery = v.strictObject({
  after: v.optional(inQuery(Number.MAX_SAFE_INTEGER)),
  limit: v.optional(inQuery(1_000)),
  listener: v.optional(inQuery(255)),
});

export const eventsQuery = v.strictObject({
  with: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^(processes|listeners)(,(processes|listeners))?$/,
        'processes, listeners or both with a comma between',
      ),
      v.transform((text) => text.split(',') as ('processes' | 'listeners')[]),
    ),
  ),
});

const seriesOf = <Name extends string>(...names: Name[]) =>
  v.strictObject({
    everyMs: said(whole, 'Between two samples.'),
    at: said(v.array(number), 'Milliseconds since 1970.'),
    series: v.record(v.picklist(names), v.array(orNull(number))),
  });
export const historySchema = seriesOf(
  'connections',
  'received',
  'answered',
  'underWay',
  'bytesIn',
  'bytesOut',
  'tasksCompleted',
  'tasksFailed',
  'tasksWaiting',
  'tasksRunning',
  'cpuPercent',
  'memory',
  'loopDelayMs',
  'restarts',
);
export type HistoryReport = v.InferOutput<typeof historySchema>;
export const processHistorySchema = seriesOf(
  'cpuPercent',
  'memory',
  'loopDelayMs',
  'connections',
  'messages',
  'tasksRunning',
);
export type ProcessHistoryReport = v.InferOutput<typeof processHistorySchema>;
export const logsQuery = v.strictObject({
  process: v.optional(said(v.string(), "A process, as 'worker:2', or a role, as 'worker'. Default: all.")),
  level: v.optional(said(v.picklist(LOG_LEVELS), 'Lines from this level on.')),
  lines: v.optional(inQuery(10_000)),
  follow: v.optional(
    said(v.picklist(['true', 'false']), "'false': the answer ends with the lines that are there."),
  ),
});

/** Beside these a line has what it tells of. */
export const logLine = v.looseObject({
  level: v.string(),
  time: number,
  role: v.string(),
  id: v.optional(whole),
  pid: whole,
  stream: v.optional(
    said(v.picklist(['stdout', 'stderr']), 'Where the process has written it, if not to the log.'),
  ),
  msg: v.optional(v.string()),
});

export const healthSchema = v.strictObject({ state: v.union([serverState, v.literal('gone')]) });

export const reloadBody = v.strictObject({
  tasksOnly: v.optional(said(v.boolean(), 'Task workers alone.')),
});

/** A line of the answer to a reload. */
const heldLine = v.strictObject({
  type: said(v.literal('held'), 'What was asked for waits for this process.'),
  process: v.string(),
  pid: whole,
  state: v.picklist(['stopped', 'hanging']),
  advice: said(v.string(), 'What to do.'),
});
export type HeldLine = v.InferOutput<typeof heldLine>;

export const reloadLine = v.variant('type', [
  v.strictObject({ type: v.literal('started'), processes: said(whole, 'How many there are to replace.') }),
  v.strictObject({
    type: v.literal('replaced'),
    process: v.string(),
    pid: whole,
    previousPid: orNull(whole),
  }),
  heldLine,
  v.strictObject({ type: v.literal('waiting'), seconds: said(whole, 'Since it was asked for.') }),
  v.strictObject({
    type: v.literal('done'),
    outcome: v.picklist(['reloaded', 'failed', 'stopped', 'requested']),
    replaced: whole,
    advice: orNull(v.string()),
  }),
]);
export type ReloadLine = v.InferOutput<typeof reloadLine>;

export const scaleBody = v.strictObject({
  workers: v.optional(said(v.pipe(v.number(), v.integer(), v.minValue(1)), 'Up to maxWorkerNum.')),
  taskWorkers: v.optional(said(v.pipe(v.number(), v.integer(), v.minValue(1)), 'Up to maxTaskWorkerNum.')),
});

/** A line of the answer to a scaling. */
export const scaleLine = v.variant('type', [
  v.strictObject({
    type: v.literal('started'),
    workers: said(whole, 'How many there are before.'),
    taskWorkers: whole,
  }),
  v.strictObject({ type: v.literal('ready'), process: v.string(), pid: whole }),
  v.strictObject({ type: v.literal('ended'), process: v.string(), pid: whole }),
  heldLine,
  v.strictObject({ type: v.literal('waiting'), seconds: said(whole, 'Since it was asked for.') }),
  v.strictObject({
    type: v.literal('done'),
    outcome: v.picklist(['scaled', 'failed', 'stopped', 'requested']),
    workers: said(orNull(whole), 'How many there are now.'),
    taskWorkers: orNull(whole),
    advice: orNull(v.string()),
  }),
]);
export type ScaleLine = v.InferOutput<typeof scaleLine>;

export const stopSchema = v.strictObject({
  pid: said(whole, 'The master, which ends last.'),
  maxWaitTimeMs: orNull(number),
});
export const emptyBody = v.strictObject({});

export const killBody = v.strictObject({
  signal: v.optional(v.picklist(ADMIN_SIGNALS), 'SIGKILL'),
});
export const killedSchema = v.strictObject({
  process: v.string(),
  pid: whole,
  signal: v.picklist(ADMIN_SIGNALS),
});

export const profileBody = v.strictObject({
  kind: v.optional(v.picklist(['cpu', 'heap']), 'cpu'),
  seconds: v.optional(said(v.pipe(v.number(), v.minValue(0.1), v.maxValue(300)), 'Of a CPU profile.'), 10),
});
export const profileSchema = v.looseObject({});
export const inspectBody = v.strictObject({ close: v.optional(v.boolean(), false) });
export const inspectSchema = v.strictObject({
  process: v.string(),
  pid: whole,
  url: said(orNull(v.string()), "The debugger's WebSocket; null: it is closed."),
});

export const processEvent = v.strictObject({
  process: v.string(),
  state: processSchema.entries.state,
  pid: orNull(whole),
  previousPid: orNull(whole),
  lastFailure: orNull(v.string()),
  at: number,
});
export type ProcessEvent = v.InferOutput<typeof processEvent>;

export const pageSchema = v.string();

export const errorSchema = v.strictObject({
  error: v.strictObject({ code: v.string(), message: v.string() }),
});
