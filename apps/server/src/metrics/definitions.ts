import type { MetricFamily, Sample, SampleLabels } from '@millrace/metrics/text';
import type { ServerStats } from '../api/stats.js';
import type { ProcessUsage } from './process-usage.js';

/** What the page of a server is made of, read in one process at one moment. */
export interface ServerMetricsInput {
  readonly stats: ServerStats;
  /** What each of its processes uses. Default: that is not on the page. */
  readonly processes?: readonly ProcessUsage[] | undefined;
  /** What task workers run. Default: that is not on the page. */
  readonly running?: readonly RunningSince[] | undefined;
  /** What waits between them. Default: that is not on the page. */
  readonly queues?: readonly QueueFill[] | undefined;
  /** Where it listens. Default: that is not on the page. */
  readonly listeners?: readonly ListenerTraffic[] | undefined;
  /** The tables of the program. Default: they are not on the page. */
  readonly tables?: readonly TableFill[] | undefined;
}

/** Which task a task worker runs, and since when, in milliseconds since 1970; null: none. */
export interface RunningSince {
  readonly worker: number;
  readonly task: string | null;
  readonly since: number | null;
}

/** How full a queue is; null: that is not known, or there is no limit. */
export interface QueueFill {
  readonly name: string;
  readonly messages: number | null;
  readonly bytes: number | null;
  readonly capacityBytes: number | null;
}

/** What one place has had where the server listens. */
export interface ListenerTraffic {
  /** In the order of addListener. */
  readonly index: number;
  /** A port, or a path. */
  readonly address: string;
  readonly connections: number;
  readonly accepted: number;
  readonly refused: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** How full a table is. */
export interface TableFill {
  readonly name: string;
  readonly rows: number;
  readonly capacity: number;
  readonly bytes: number;
}

/** One metric of the server: what docs/metrics.md says of it, and how it is read. */
export interface ServerMetric extends Omit<MetricFamily, 'samples'> {
  readonly type: 'counter' | 'gauge';
  readonly labels: readonly string[];
  /** Empty where this server has no such thing. */
  readonly read: (input: ServerMetricsInput) => readonly Sample[];
}

/** Every metric of the server's own, in the order of the page. */
export const serverMetrics: readonly ServerMetric[] = [
  gauge('start_time_seconds', 'When the server was started, in seconds since 1970.', (stats) =>
    one(stats.startTime / 1_000),
  ),
  gauge('connections', 'Clients that are connected.', (stats) => one(stats.connectionNum)),
  counter('connections_accepted_total', 'Clients that were accepted.', (stats) => one(stats.acceptCount)),
  counter(
    'connections_closed_total',
    'Connections that have ended, by cause: the client (`client`, `reset`), the program (`server`, `dispatch`), a limit (`malformed`, ' +
      '`output_limit`, `memory`), a time (`heartbeat`, `idle`), its worker (`worker_died`, `worker_stuck`), `handshake`, `error`, `shutdown`.',
    (stats) => by('cause', stats.closeCounts),
    ['cause'],
  ),
  counter(
    'connections_refused_total',
    'Clients that were closed at once: there were maxConnections, or the descriptors that are left are kept back.',
    (stats) => by('reason', { max_connections: stats.abortCount, descriptors: stats.descriptorAbortCount }),
    ['reason'],
  ),
  counter('messages_dispatched_total', 'Messages that were sent to workers.', (stats) =>
    one(stats.dispatchCount),
  ),
  counter('messages_received_total', 'Messages that workers have got.', (stats) => one(stats.requestCount)),
  counter('answers_total', 'Answers that processes have sent.', (stats) => one(stats.responseCount)),
  gauge('messages_in_flight', 'Messages that were sent to workers and are not finished.', (stats) =>
    one(stats.concurrency),
  ),
  counter('received_bytes_total', "Bytes of clients' messages, without what framing takes off.", (stats) =>
    one(stats.totalRecvBytes),
  ),
  counter('sent_bytes_total', 'Bytes of answers.', (stats) => one(stats.totalSendBytes)),
  counter(
    'datagrams_dropped_total',
    'Datagrams that were dropped: a worker did not keep up, or the kernel had no room.',
    (stats) => one(stats.droppedPackets),
  ),
  counter(
    'client_holds_total',
    'How often a client was not read from for a while: for its own share, or for what all clients hold.',
    (stats) => by('reason', { share: stats.clientHoldCount, memory: stats.clientMemoryHoldCount }),
    ['reason'],
  ),
  gauge('client_memory_bytes', 'Bytes that the server holds for all clients together.', (stats) =>
    one(stats.clientMemory),
  ),
  counter('client_memory_closes_total', 'Clients that were closed for what all of them held.', (stats) =>
    one(stats.clientMemoryCloseCount),
  ),
  counter(
    'http_errors_total',
    'Requests that the server answered for a worker: 502, it died with the request; 503, none took it in time.',
    (stats) => by('code', { 502: stats.badGatewayCount, 503: stats.unavailableCount }),
    ['code'],
  ),
  counter(
    'http_retries_total',
    'Clients whose requests were given to another worker when theirs died, with `retryRequests`.',
    (stats) => one(stats.retriedRequestCount),
  ),
  counter(
    'http_given_up_total',
    'Requests that have ended two workers, of those that were given to another one.',
    (stats) => one(stats.givenUpRequestCount),
  ),
  counter(
    'death_disconnects_total',
    'Connections that ended with their worker: reset within an answer, closed behind their last answer, WebSockets closed with 1012.',
    (stats) =>
      by('kind', {
        reset: stats.deathResetCount,
        close: stats.deathCloseCount,
        websocket: stats.deathRestartCount,
      }),
    ['kind'],
  ),
  gauge(
    'processes',
    'Processes that the server keeps, by role.',
    (stats) =>
      by('role', { worker: stats.workerNum, task_worker: stats.taskWorkerNum, user: stats.userWorkerNum }),
    ['role'],
  ),
  gauge(
    'idle_processes',
    'Workers with no message under way, and task workers that run no task.',
    (stats) => by('role', { worker: stats.idleWorkerNum, task_worker: stats.taskIdleWorkerNum }),
    ['role'],
  ),
  counter('tasks_asked_total', 'Tasks that processes have asked for.', (stats) => one(stats.taskCount)),
  counter(
    'tasks_finished_total',
    'Tasks that have been answered, with a result or an error.',
    (stats) => by('outcome', { completed: stats.taskCompletedCount, failed: stats.taskFailedCount }),
    ['outcome'],
  ),
  gauge(
    'tasks',
    'Tasks that have not begun, and tasks that run.',
    (stats) => by('state', { waiting: stats.taskingNum, running: stats.taskRunningNum }),
    ['state'],
  ),
  gauge(
    'task_queue_messages',
    "Messages in the system's queue of tasks, of all senders; with taskIpcMode 'posix' or 'sysv'.",
    (stats) => maybe(stats.taskQueueNum),
  ),
  gauge('task_queue_bytes', "Bytes of the messages in the system's queue of tasks.", (stats) =>
    maybe(stats.taskQueueBytes),
  ),
  counter(
    'task_queue_garbage_total',
    "Messages in the system's queue of tasks that were no tasks.",
    (stats) => maybe(stats.taskGarbageCount),
  ),
  counter(
    'task_queue_orphans_failed_total',
    "Tasks of other programs in the system's queue that have failed: their sender is not told.",
    (stats) => maybe(stats.taskOrphanFailedCount),
  ),
  gauge('engine_connected', 'Whether the engine of tasks is connected.', ({ engineConnected }) =>
    engineConnected === undefined ? [] : one(engineConnected ? 1 : 0),
  ),
  gauge(
    'engine_tasks',
    "Tasks in the engine's queue, of all servers and pools on it, as it has said last.",
    ({ engineWaitingNum, engineDelayedNum = 0, engineRunningNum = 0 }) =>
      engineWaitingNum === undefined
        ? []
        : by('state', { waiting: engineWaitingNum, delayed: engineDelayedNum, running: engineRunningNum }),
    ['state'],
  ),
  gauge('engine_hosts', 'Hosts that have told the engine of themselves lately.', (stats) =>
    maybe(stats.engineHostNum),
  ),
  counter('engine_disconnects_total', 'Connections to the engine that were lost.', (stats) =>
    maybe(stats.engineDisconnectCount),
  ),
  counter(
    'remote_task_retries_total',
    'Attempts beyond the first of tasks that this server has asked the engine for, and that were answered.',
    (stats) => maybe(stats.remoteRetryCount),
  ),
  counter(
    'remote_task_lookups_total',
    'Answers that had to be looked up in the engine, since no reply brought them.',
    (stats) => maybe(stats.remoteLookUpCount),
  ),
  counter(
    'remote_tasks_lost_total',
    'Tasks that the engine had accepted and knew no more; with attempts left they were enqueued anew.',
    (stats) => maybe(stats.remoteLostCount),
  ),
  gauge('host_tasks', 'Tasks of the engine that the task workers run.', (stats) =>
    maybe(stats.hostRunningNum),
  ),
  gauge('host_slots', 'Tasks of the engine that the task workers can run at a time.', (stats) =>
    maybe(stats.hostSlotNum),
  ),
  counter(
    'host_claims_total',
    'Tasks of the engine that this server has claimed, by what came of that: run to an end, lost to another host, given back for another attempt, cancelled.',
    ({ hostSettledCount, hostLostCount = 0, hostAgainCount = 0, hostCancelCount = 0 }) =>
      hostSettledCount === undefined
        ? []
        : by('outcome', {
            settled: hostSettledCount,
            lost: hostLostCount,
            again: hostAgainCount,
            cancelled: hostCancelCount,
          }),
    ['outcome'],
  ),
  counter(
    'host_stalls_total',
    'Claims of any host that this server found not renewed: their tasks were free again.',
    (stats) => maybe(stats.hostStallCount),
  ),
  counter('publications_total', 'Values that processes have published.', (stats) => one(stats.publishCount)),
  counter(
    'publications_delivered_total',
    'Published values that have come to subscribers, counted once for each process.',
    (stats) => one(stats.deliverCount),
  ),
  counter(
    'publications_dropped_total',
    'Published values that were dropped for a process, since it did not keep up.',
    (stats) => one(stats.droppedPublications),
  ),
  counter(
    'bus_publications_total',
    'Published values that have gone to the bus, and that have come from there.',
    (stats) =>
      stats.busPublishCount === undefined
        ? []
        : by('direction', { out: stats.busPublishCount, in: stats.busDeliverCount ?? 0 }),
    ['direction'],
  ),
  counter(
    'bus_dropped_total',
    'Published values that did not go to the bus: it was away, or did not keep up.',
    (stats) => maybe(stats.busDroppedCount),
  ),
  counter('bus_reconnects_total', 'How often the bus was connected again.', (stats) =>
    maybe(stats.busReconnectCount),
  ),
  counter('log_lines_lost_total', 'Lines of the log, of all processes, that could not be written.', (stats) =>
    one(stats.lostLogLines),
  ),
  ofServer(
    'gauge',
    'task_running_since_seconds',
    'When the task that a task worker runs was begun, in seconds since 1970.',
    ['worker', 'task'],
    ({ running = [] }) =>
      running.flatMap(({ worker, task, since }) =>
        task === null || since === null ? [] : [{ labels: { worker, task }, value: since / 1_000 }],
      ),
  ),
  ofQueue('queue_messages', 'Messages that were sent and are not finished.', ({ messages }) => messages),
  ofQueue('queue_bytes', 'Bytes that wait in a queue.', ({ bytes }) => bytes),
  ofQueue('queue_capacity_bytes', 'Bytes that a queue has room for.', ({ capacityBytes }) => capacityBytes),
  ofListener('gauge', 'listener_connections', 'Clients that are connected.', (of) => of.connections),
  ofListener('counter', 'listener_accepted_total', 'Clients that were accepted.', (of) => of.accepted),
  ofListener('counter', 'listener_refused_total', 'Clients that were closed at once.', (of) => of.refused),
  ofListener(
    'counter',
    'listener_messages_received_total',
    'Messages, requests or datagrams that have come.',
    (of) => of.messagesIn,
  ),
  ofListener(
    'counter',
    'listener_messages_sent_total',
    'What processes have sent; of HTTP, each piece of an answer.',
    (of) => of.messagesOut,
  ),
  ofListener('counter', 'listener_received_bytes_total', 'Bytes that have come.', (of) => of.bytesIn),
  ofListener('counter', 'listener_sent_bytes_total', 'Bytes that processes have sent.', (of) => of.bytesOut),
  ofTable('table_rows', 'Rows of a table of the program.', ({ rows }) => rows),
  ofTable(
    'table_capacity_rows',
    'Rows that a table of the program has room for.',
    ({ capacity }) => capacity,
  ),
  ofTable('table_bytes', 'Bytes of the memory of a table of the program.', ({ bytes }) => bytes),
  ofProcess(
    'gauge',
    'process_ready',
    'Whether a process does its work; 0: it is down, only starts, hangs or is stopped. Not of a standby, which has no work yet.',
    ({ ready }) => (ready === undefined ? undefined : Number(ready)),
  ),
  ofProcess(
    'counter',
    'process_cpu_seconds_total',
    'Processor time of a process.',
    ({ cpuSeconds }) => cpuSeconds,
  ),
  ofProcess(
    'gauge',
    'process_resident_memory_bytes',
    'Memory of a process that is in RAM.',
    ({ residentBytes }) => residentBytes,
  ),
  ofProcess(
    'gauge',
    'process_start_time_seconds',
    'When a process was started, in seconds since 1970.',
    ({ startTime }) => startTime,
  ),
  ofProcess(
    'gauge',
    'process_event_loop_delay_seconds',
    'How late the event loop of a process was, at the 99th percentile of its last interval.',
    ({ eventLoopDelay }) => eventLoopDelay,
  ),
];

function ofServer(
  type: ServerMetric['type'],
  name: string,
  help: string,
  labels: readonly string[],
  read: ServerMetric['read'],
): ServerMetric {
  return { name: `millrace_${name}`, help, type, labels, read };
}

type Read = (stats: ServerStats) => readonly Sample[];

function counter(name: string, help: string, read: Read, labels: readonly string[] = []): ServerMetric {
  return ofServer('counter', name, help, labels, ({ stats }) => read(stats));
}

function gauge(name: string, help: string, read: Read, labels: readonly string[] = []): ServerMetric {
  return ofServer('gauge', name, help, labels, ({ stats }) => read(stats));
}

/** Of each process that says so, by role and id. */
function ofProcess(
  type: ServerMetric['type'],
  name: string,
  help: string,
  value: (usage: ProcessUsage) => number | undefined,
): ServerMetric {
  return ofServer(type, name, help, ['role', 'id'], ({ processes = [] }) =>
    processes.flatMap((usage) => {
      const { role, id } = usage;
      return maybe(value(usage), { role, id });
    }),
  );
}

function ofQueue(name: string, help: string, value: (queue: QueueFill) => number | null): ServerMetric {
  return ofServer('gauge', name, help, ['queue'], ({ queues = [] }) =>
    queues.flatMap((queue) => maybe(value(queue) ?? undefined, { queue: queue.name })),
  );
}

/** Of each place where the server listens. */
function ofListener(
  type: ServerMetric['type'],
  name: string,
  help: string,
  value: (listener: ListenerTraffic) => number,
): ServerMetric {
  return ofServer(type, name, `By listener: ${help}`, ['listener', 'address'], ({ listeners = [] }) =>
    listeners.map((one) => ({ labels: { listener: one.index, address: one.address }, value: value(one) })),
  );
}

function ofTable(name: string, help: string, value: (table: TableFill) => number): ServerMetric {
  return ofServer('gauge', name, help, ['table'], ({ tables = [] }) =>
    tables.map((table) => ({ labels: { table: table.name }, value: value(table) })),
  );
}

const one = (value: number): Sample[] => [{ value }];

const maybe = (value: number | undefined, labels: SampleLabels = {}): Sample[] =>
  value === undefined ? [] : [{ labels, value }];

function by(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
}
