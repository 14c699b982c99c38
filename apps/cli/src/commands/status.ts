import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { bytes, type Column, counted, duration, grouped, painter, short, table } from '../admin/format.js';
import { placeOf } from '../admin/listener-place.js';
import type { Listener, ProcessReport, Status } from '../admin/reports.js';

/** Prints how a server is, once. */
export async function status(name: string | undefined, { json }: { readonly json?: true }): Promise<void> {
  const client = new AdminClient(findServer(name));
  const [server, { processes }, { listeners }] = await Promise.all([
    client.get<Status>('/v1/status'),
    client.get<{ processes: ProcessReport[] }>('/v1/processes'),
    client.get<{ listeners: Listener[] }>('/v1/listeners'),
  ]);
  if (json) return console.log(JSON.stringify({ ...server, processTable: processes, listeners }));
  const paint = painter(process.stdout);
  const lines = [
    ...summary(server, paint),
    sizeLine(server),
    ...closedLine(server),
    '',
    ...listenerLines(listeners, paint),
    '',
    ...processLines(processes, paint),
  ];
  console.log(lines.join('\n'));
}

function sizeLine({ size: { workers, maxWorkers, taskWorkers, maxTaskWorkers } }: Status): string {
  const tasks = maxTaskWorkers > 0 ? `  task workers ${taskWorkers} of at most ${maxTaskWorkers}` : '';
  return `workers ${workers} of at most ${maxWorkers}${tasks}`;
}

/** Causes that are named, so that a line stays short. */
const MOST_CAUSES = 4;

type Paint = ReturnType<typeof painter>;

const STATE_COLOURS = {
  ready: 'green',
  degraded: 'yellow',
  starting: 'cyan',
  draining: 'cyan',
  hanging: 'red',
  stopped: 'red',
  down: 'red',
  leaving: 'cyan',
  standby: 'green',
} as const;

export function summary(server: Status, paint: Paint): string[] {
  const { connections, messages, tasks, processes } = server;
  const state = paint(STATE_COLOURS[server.state], server.state);
  return [
    `${paint('bold', server.name)}  ${state}  up ${duration(server.uptimeMs)}  pid ${server.pid}  ${server.mode} mode${server.httpEngine === 'lean' ? ', lean' : ''}  ${server.node}`,
    `connections ${grouped(connections.open)} of ${grouped(connections.limit)}  messages ${grouped(messages.received)}, ${grouped(messages.underWay)} under way  ` +
      `in ${bytes(messages.bytesIn)}  out ${bytes(messages.bytesOut)}`,
    `tasks ${grouped(tasks.completed)}, ${grouped(tasks.running)} running, ${grouped(tasks.waiting)} waiting  ` +
      `processes ${processes.ready}/${processes.total} ready, ${counted(processes.restarts, 'restart')}, ${grouped(processes.failures)} failed`,
  ];
}

/** What most connections were closed for; no line where none was. */
function closedLine({ connections: { closed, closedBy } }: Status): string[] {
  if (closed === 0) return [];
  const causes = Object.entries(closedBy)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a);
  const words = causes.slice(0, MOST_CAUSES).map(([cause, count]) => `${cause} ${short(count)}`);
  const more = causes.length - words.length;
  return [`closed ${grouped(closed)}: ${words.join(', ')}${more > 0 ? `, and for ${more} causes more` : ''}`];
}

/** The table of listeners, the titles first. */
export function listenerLines(listeners: readonly Listener[], paint: Paint): string[] {
  const [titles = '', ...rows] = table(LISTENER_COLUMNS, listeners);
  return [paint('dim', titles), ...rows];
}

type Rates = NonNullable<Listener['rates']>;
type Show = (count: number | null) => string;

const perSecond =
  (of: keyof Rates, show: Show) =>
  ({ rates }: Listener) =>
    show(rates === null ? null : Math.round(rates[of]));

const LISTENER_COLUMNS: readonly Column<Listener>[] = [
  { title: 'LISTENS ON', of: placeOf },
  {
    title: 'KIND',
    of: ({ protocol, tls, type }) => `${tls ? 'tls ' : ''}${protocol ?? (type === 'datagram' ? 'udp' : '-')}`,
  },
  { title: 'CONN', of: ({ connections }) => short(connections), right: true },
  { title: 'REFUSED', of: ({ refused }) => short(refused), right: true },
  { title: 'NEW/S', of: perSecond('accepted', short), right: true },
  { title: 'MSG/S', of: perSecond('messagesIn', short), right: true },
  { title: 'IN/S', of: perSecond('bytesIn', bytes), right: true },
  { title: 'SENT/S', of: perSecond('messagesOut', short), right: true },
  { title: 'OUT/S', of: perSecond('bytesOut', bytes), right: true },
];

/** The table of processes, the titles first; their states in colour. */
export function processLines(
  processes: readonly ProcessReport[],
  paint: Paint,
  more: readonly Column<ProcessReport>[] = [],
): string[] {
  const [titles = '', ...rows] = table([...PROCESS_COLUMNS, ...more], processes);
  return [
    paint('dim', titles),
    ...rows.map((row, at) => {
      const { state } = processes[at] as ProcessReport;
      return row.replace(state, (word) => paint(STATE_COLOURS[state], word));
    }),
  ];
}

const PROCESS_COLUMNS: readonly Column<ProcessReport>[] = [
  { title: 'PROCESS', of: ({ name }) => name },
  { title: 'STATE', of: ({ state }) => state },
  { title: 'PID', of: ({ pid }) => (pid === null ? '-' : String(pid)), right: true },
  { title: 'UP', of: ({ uptimeMs }) => duration(uptimeMs), right: true },
  { title: 'CPU%', of: ({ cpuPercent }) => (cpuPercent === null ? '-' : cpuPercent.toFixed(1)), right: true },
  { title: 'MEM', of: ({ memory }) => bytes(memory), right: true },
  { title: 'CONN', of: ({ connections }) => short(connections), right: true },
  {
    title: 'MSG',
    of: ({ messages, tasksRunning }) => (tasksRunning === null ? short(messages) : `${tasksRunning} run`),
    right: true,
  },
  {
    title: 'LATE',
    of: ({ loopDelayP99Ms }) => (loopDelayP99Ms === null ? '-' : `${Math.round(loopDelayP99Ms)}ms`),
    right: true,
  },
  {
    title: 'NEW',
    of: ({ restarts, failures, lastFailure }) =>
      restarts === null ? '-' : failures ? `${restarts} (${lastFailure})` : String(restarts),
    right: true,
  },
];
