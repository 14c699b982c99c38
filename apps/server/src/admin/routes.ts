import type { GenericSchema, InferOutput } from 'valibot';
import { ServerError } from '../errors.js';
import { assertScale } from '../links/scale-limits.js';
import type { Topology } from '../links/topology.js';
import type { AdminAssignment } from './admin-assignment.js';
import type { Diagnoses } from './diagnoses.js';
import type { EventStream } from './event-stream.js';
import type { History } from './history.js';
import type { LogStream } from './log-stream.js';
import type { MasterLink } from './master-link.js';
import { metricsPage } from './metrics-page.js';
import type { ProcessWatch } from './process-watch.js';
import type { Registries } from './registries.js';
import { reload } from './reload-progress.js';
import { noProcess, type Reply, RequestError } from './replies.js';
import { scale } from './scale-progress.js';
import * as schemas from './schemas.js';
import type { ServerView } from './server-view.js';
import { traceEvent } from './trace-schemas.js';
import type { TraceStream } from './trace-stream.js';
import * as work from './work-schemas.js';
import type { WorkView } from './work-view.js';

/** What routes work with. */
export interface AdminParts {
  readonly assignment: AdminAssignment;
  readonly view: ServerView;
  readonly registries: Registries;
  readonly work: WorkView;
  readonly watch: ProcessWatch;
  readonly events: EventStream;
  readonly history: History;
  readonly logs: LogStream;
  readonly traces: TraceStream;
  readonly master: MasterLink;
  readonly diagnoses: Diagnoses;
}

/** A request that has been checked: what is in the path, the query and the body. */
export interface Asked<Query, Body> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  /** The event that a client has got last. */
  readonly lastEventId: string | undefined;
  /** The kinds of content that a client takes. */
  readonly accept: string | undefined;
}

export interface Answer {
  readonly text: string;
  readonly schema: GenericSchema;
  /** Default: JSON. Of a stream the schema is that of a line, or of the data of the events that it names. */
  readonly contentType?: 'application/x-ndjson' | 'text/event-stream' | 'text/plain';
}

/** A route, of which the server serves the requests and the OpenAPI document tells. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** With parameters in braces. */
  readonly path: string;
  readonly id: string;
  readonly text: string;
  readonly query: GenericSchema | undefined;
  readonly body: GenericSchema | undefined;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Answered to clients of TCP that show no token: it tells next to nothing. */
  readonly open: boolean;
  readonly handle: (parts: AdminParts, asked: Asked<never, never>) => Reply | Promise<Reply>;
}

interface RouteOf<Q extends GenericSchema, B extends GenericSchema> {
  readonly text: string;
  readonly query?: Q;
  readonly body?: B;
  readonly answers: Readonly<Record<number, Answer>>;
  readonly open?: boolean;
  readonly handle: (
    parts: AdminParts,
    asked: Asked<InferOutput<Q>, InferOutput<B>>,
  ) => Reply | Promise<Reply>;
}

function route<Q extends GenericSchema, B extends GenericSchema>(
  method: Route['method'],
  path: string,
  id: string,
  { text, query, body, answers, open = false, handle }: RouteOf<Q, B>,
): Route {
  return { method, path, id, text, query, body, answers, open, handle };
}

const ok = (body: object): Reply => ({ status: 200, body });
const is = (schema: GenericSchema, text: string): Answer => ({ text, schema });

const DIAGNOSIS_REFUSALS = {
  404: is(schemas.errorSchema, 'There is no process of that name.'),
  409: is(
    schemas.errorSchema,
    'There is no process of that name right now, it is stopped, or it has failed; or another one is being looked into.',
  ),
  503: is(schemas.errorSchema, 'The server could open no file for the answer when it started.'),
  504: is(schemas.errorSchema, 'It does not answer, and cannot be interrupted.'),
};

export const ROUTES: readonly Route[] = [
  route('GET', '/v1/status', 'getStatus', {
    text: 'How the server is, in numbers.',
    answers: { 200: is(schemas.statusSchema, 'The status.') },
    handle: ({ view }) => ok(view.status()),
  }),
  route('GET', '/v1/processes', 'getProcesses', {
    text: 'Every process of the server.',
    answers: { 200: is(schemas.processesSchema, 'In the order of the tree.') },
    handle: ({ view }) => ok({ at: Date.now(), processes: view.processes.all() }),
  }),
  route('GET', '/v1/listeners', 'getListeners', {
    text: 'Where the server listens, with the connections, messages and bytes of each place: in all, and in a second.',
    answers: { 200: is(schemas.listenersSchema, 'In the order of addListener.') },
    handle: ({ view }) => ok({ at: Date.now(), listeners: view.listeners.all() }),
  }),
  route('GET', '/v1/connections', 'getConnections', {
    text: 'Open connections, a page at a time, by ascending session ids.',
    query: schemas.connectionsQuery,
    answers: { 200: is(schemas.connectionsSchema, 'A page of at most `limit` connections, 100 by default.') },
    handle: ({ view }, { query }) => ok(view.connections(query)),
  }),
  route('GET', '/v1/tasks', 'getTasks', {
    text: 'Tasks by their names, with how long they wait and run, and what each task worker runs.',
    answers: { 200: is(work.tasksSchema, 'By name, and in the order of the task workers.') },
    handle: ({ work }) => ok(work.tasks()),
  }),
  route('GET', '/v1/queues', 'getQueues', {
    text: 'What waits between the processes of the server.',
    answers: {
      200: is(
        work.queuesSchema,
        'Of each way between a reactor thread and a worker, of tasks, and of clients.',
      ),
    },
    handle: ({ work }) => ok({ at: Date.now(), queues: work.queues() }),
  }),
  route('GET', '/v1/tables', 'getTables', {
    text: 'The tables of the program (addTable).',
    answers: { 200: is(work.tablesSchema, 'In the order in which they were added.') },
    handle: ({ work }) => ok({ at: Date.now(), tables: work.tables() }),
  }),
  route('GET', '/v1/tables/{name}', 'getTable', {
    text: 'One table of the program.',
    answers: {
      200: is(work.tableSchema, 'The table.'),
      404: is(schemas.errorSchema, 'There is no table of that name.'),
    },
    handle: table,
  }),
  route('GET', '/v1/events', 'getEvents', {
    text:
      'Server-sent events: `status` every second, `process` when a process ends, comes or changes its state, `resync` where events after ' +
      'the `Last-Event-ID` are not known any more. With `with=processes,listeners` each `status` is followed by a `processes` and a ' +
      '`listeners`, which are as their routes answer.',
    query: schemas.eventsQuery,
    answers: {
      200: {
        text: 'The data of a `process` event; that of a `status` event is as of /v1/status.',
        schema: schemas.processEvent,
        contentType: 'text/event-stream',
      },
    },
    handle: ({ events }, { lastEventId, query }) => ({
      serve: (response) => events.serve(response, lastEventId, query.with),
    }),
  }),
  route('GET', '/v1/history', 'getHistory', {
    text: 'The last ten minutes, a sample a second, oldest first. The admin process keeps them: one that was killed has taken them along.',
    answers: { 200: is(schemas.historySchema, 'The samples; null is what was not known.') },
    handle: ({ history }) => ok(history.server()),
  }),
  route('GET', '/v1/processes/{name}/history', 'getProcessHistory', {
    text: 'The last ten minutes of one process.',
    answers: {
      200: is(schemas.processHistorySchema, 'As of /v1/history.'),
      404: is(schemas.errorSchema, 'There is no process of that name.'),
    },
    handle: ({ view, history }, { params: { name = '' } }) => {
      const found = history.process(view.processes.find(name)?.report.name ?? '');
      if (found === undefined) throw noProcess(name, view.processes.all());
      return ok(found);
    },
  }),
  route('GET', '/v1/logs', 'getLogs', {
    text:
      'Server-sent events: `log` for each line of the log of all processes, the last `lines` of the past first (100 by default), and `lost` ' +
      'with how many `lines` this client has missed because it reads too slowly. With a `Last-Event-ID` it goes on behind that line.',
    query: schemas.logsQuery,
    answers: {
      200: {
        text: 'The data of a `log` event.',
        schema: schemas.logLine,
        contentType: 'text/event-stream',
      },
      404: is(schemas.errorSchema, 'There is no process or role of that name.'),
    },
    handle: ({ logs }, { query, lastEventId }) => ({ serve: logs.open(query, lastEventId) }),
  }),
  route('GET', '/v1/sessions/{id}/trace', 'traceSession', {
    text:
      'Server-sent events: the way of the messages of one session. First `session`, then a `step` for each thing that a process does with one of ' +
      'its messages, `missed` where steps were not read in time, and `end` when the connection is closed. It is traced as long as a client listens.',
    answers: {
      200: {
        text: 'The data of an event.',
        schema: traceEvent,
        contentType: 'text/event-stream',
      },
      404: is(schemas.errorSchema, 'No such session is open.'),
      503: is(schemas.errorSchema, 'As many sessions are traced as can be at once.'),
    },
    handle: ({ traces }, { params: { id = '' } }) => ({ serve: traces.open(id) }),
  }),
  route('GET', '/metrics', 'getMetrics', {
    text: 'The metrics of the server, which docs/metrics.md lists, and those that its program counts by @millrace/metrics, as Prometheus reads them.',
    answers: { 200: { text: 'The page.', schema: schemas.pageSchema, contentType: 'text/plain' } },
    handle: ({ view, registries, work }, { accept }) => metricsPage(view, registries, work, accept),
  }),
  route('GET', '/health/live', 'getLive', {
    text: 'Whether the server lives: a probe that fails here is a reason to start it anew. No token is needed.',
    open: true,
    answers: {
      200: is(schemas.healthSchema, "The master's loop turns."),
      503: is(schemas.healthSchema, 'It hangs, or there is none: `gone`.'),
    },
    handle: ({ view }) =>
      view.isAlive ? ok({ state: view.state }) : { status: 503, body: { state: 'gone' } },
  }),
  route('GET', '/health/ready', 'getReady', {
    text: 'Whether the server takes requests. No token is needed.',
    open: true,
    answers: {
      200: is(schemas.healthSchema, 'It serves: `ready` or `degraded`.'),
      503: is(
        schemas.healthSchema,
        '`starting`, `draining`, or `degraded` with no worker that takes anything.',
      ),
    },
    handle: ({ view }) => ({ status: view.serves ? 200 : 503, body: { state: view.state } }),
  }),
  route('POST', '/v1/reload', 'reload', {
    text: 'Puts new processes in the places of workers and task workers, without losing a client. It goes on when the client goes away.',
    body: schemas.reloadBody,
    answers: {
      200: {
        text: 'A line for each process that is replaced, one for each second, and one for the end.',
        schema: schemas.reloadLine,
        contentType: 'application/x-ndjson',
      },
      503: is(schemas.errorSchema, 'Too many requests are under way.'),
    },
    handle: (parts, { body }) => {
      assertRoom(parts);
      return { serve: (response) => void reload(response, body.tasksOnly === true, parts) };
    },
  }),
  route('POST', '/v1/scale', 'scale', {
    text: 'Has the server go on with more or fewer workers and task workers, without losing a client or a message. It goes on when the client goes away.',
    body: schemas.scaleBody,
    answers: {
      200: {
        text: 'A line for each process that comes or ends, one for each second, and one for the end.',
        schema: schemas.scaleLine,
        contentType: 'application/x-ndjson',
      },
      409: is(schemas.errorSchema, 'It cannot have so many: the message has the limit.'),
      503: is(schemas.errorSchema, 'Too many requests are under way.'),
    },
    handle: (parts, { body }) => {
      assertScalable(body, parts.assignment.topology);
      assertRoom(parts);
      return { serve: (response) => void scale(response, body, parts) };
    },
  }),
  route('POST', '/v1/stop', 'stop', {
    text: 'Ends the server in order. The answer comes at the beginning; the master ends last.',
    body: schemas.emptyBody,
    answers: { 202: is(schemas.stopSchema, 'It ends.') },
    handle: ({ view, master, assignment }) => {
      master.stop();
      const { maxWaitTime } = assignment;
      const maxWaitTimeMs = Number.isFinite(maxWaitTime) ? maxWaitTime : null;
      return { status: 202, body: { pid: view.status().pid, maxWaitTimeMs } };
    },
  }),
  route('POST', '/v1/processes/{name}/kill', 'killProcess', {
    text: 'Sends a signal to a process, as in a drill; SIGKILL where none is named. The master is not one of them: see /v1/stop.',
    body: schemas.killBody,
    answers: {
      200: is(schemas.killedSchema, 'It has been sent.'),
      404: is(schemas.errorSchema, 'There is no process of that name.'),
      409: is(schemas.errorSchema, 'It is the master, or there is no process of that name right now.'),
      503: is(schemas.errorSchema, 'Too many requests are under way.'),
    },
    handle: kill,
  }),
  route('POST', '/v1/processes/{name}/profile', 'profileProcess', {
    text:
      'Takes a CPU profile or a heap snapshot of a process that runs, one at a time. The answer begins when the process has begun, and is the ' +
      'file that developer tools load: of a CPU profile after so many seconds, of a heap as soon as it is written, for which the process stands.',
    body: schemas.profileBody,
    answers: { 200: is(schemas.profileSchema, 'A .cpuprofile or .heapsnapshot.'), ...DIAGNOSIS_REFUSALS },
    handle: ({ diagnoses }, { params, body: { kind, seconds } }) =>
      diagnoses.profile(params.name ?? '', kind, seconds),
  }),
  route('POST', '/v1/processes/{name}/inspect', 'inspectProcess', {
    text:
      'Opens the debugger of a process on the loopback address, or closes it. Who knows its address has the rights of the process; of a master ' +
      'that is every user of the machine.',
    body: schemas.inspectBody,
    answers: { 200: is(schemas.inspectSchema, 'It is open, or closed.'), ...DIAGNOSIS_REFUSALS },
    handle: async ({ diagnoses }, { params, body: { close } }) =>
      ok(await (close ? diagnoses.closeDebugger(params.name ?? '') : diagnoses.inspect(params.name ?? ''))),
  }),
];

function table({ work }: AdminParts, { params }: Asked<unknown, unknown>): Reply {
  const tables = work.tables();
  const found = tables.find(({ name }) => name === params.name);
  if (found !== undefined) return ok(found);
  const names = tables.map(({ name }) => name).join(', ') || 'none';
  throw new RequestError(404, 'NO_TABLE', `There is no table '${params.name}'; there are: ${names}.`);
}

async function kill(
  parts: AdminParts,
  { params, body }: Asked<unknown, InferOutput<typeof schemas.killBody>>,
): Promise<Reply> {
  const { view, master } = parts;
  const name = params.name ?? '';
  const found = view.processes.find(name);
  if (found === undefined) throw noProcess(name, view.processes.all());
  const { report, peer } = found;
  if (report.role === 'master')
    throw new RequestError(409, 'MASTER', 'The server ends with its master: stop it in the place of that.');
  // Which process that is stands in memory that others may write: the master signals only those that it knows of.
  if (report.role === 'standby')
    throw new RequestError(
      409,
      'STANDBY',
      `${report.name} has no clients and is not killed from here: a reload ends it, or a signal to its pid ${report.pid}.`,
    );
  assertRoom(parts);
  const { pid } = report;
  const { signal } = body;
  if (pid === null || !(await master.signal(peer, pid, signal)))
    throw new RequestError(
      409,
      'NO_PROCESS_NOW',
      `There is no process '${report.name}' right now: the next one is on its way.`,
    );
  return ok({ process: report.name, pid, signal });
}

function assertScalable(options: InferOutput<typeof schemas.scaleBody>, topology: Topology): void {
  try {
    assertScale(options, topology);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    throw new RequestError(409, 'SCALE', error.message);
  }
}

function assertRoom({ master }: AdminParts): void {
  if (master.isFull)
    throw new RequestError(
      503,
      'TOO_MANY',
      'Too many requests are under way: ask again when some have been answered.',
    );
}
