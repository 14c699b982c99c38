import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { bytes, type Column, duration, grouped, painter, short, table } from '../admin/format.js';
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
    ...listeners.map(listenerLine),
    '',
    ...processLines(processes, paint),
  ];
  console.log(lines.join('\n'));
}

function sizeLine({ size: { workers, maxWorkers, taskWorkers, maxTaskWorkers } }: Status): string {
  const tasks = maxTaskWorkers > 0 ? `  task workers ${taskWorkers} of at most ${maxTaskWorkers}` : '';
  return `workers ${workers} of at most ${maxWorkers}${tasks}`;
}

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
} as const;

export function summary(server: Status, paint: Paint): string[] {
  const { connections, messages, tasks, processes } = server;
  const state = paint(STATE_COLOURS[server.state], server.state);
  return [
    `${paint('bold', server.name)}  ${state}  up ${duration(server.uptimeMs)}  pid ${server.pid}  ${server.mode} mode  ${server.node}`,
    `connections ${grouped(connections.open)} of ${grouped(connections.limit)}  messages ${grouped(messages.received)}, ${grouped(messages.underWay)} under way  ` +
      `in ${bytes(messages.bytesIn)}  out ${bytes(messages.bytesOut)}`,
    `tasks ${grouped(tasks.completed)}, ${grouped(tasks.running)} running, ${grouped(tasks.waiting)} waiting  ` +
      `processes ${processes.ready}/${processes.total} ready, ${processes.restarts} restarts, ${processes.failures} failed`,
  ];
}

export function listenerLine({ host, port, path, protocol, tls, connections }: Listener): string {
  const where = path ?? (port === null ? 'a path or socket of the program' : `${host ?? 'port'} ${port}`);
  const what = [protocol ?? '', tls ? 'TLS' : ''].filter((word) => word !== '').join(' over ');
  return `listens on ${where}  ${what === '' ? '' : `${what}  `}${grouped(connections)} connections`;
}

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
