import { AdminClient } from '../admin/client.js';
import { findServer, isRunning } from '../admin/find-server.js';
import { painter } from '../admin/format.js';
import type { QueueReport, Status } from '../admin/reports.js';
import { CommandError, EXIT } from '../command-error.js';
import { DEFAULT_CONNECTIONS, type Finding, findingsOf } from '../doctor/findings.js';
import { readMachine } from '../doctor/machine.js';

/** Prints what of this machine will hurt a server: of the one that runs, or of one that is started without options. */
export async function doctor(name: string | undefined, { json }: { readonly json?: true }): Promise<void> {
  const running = await runningServer(name);
  const server = running?.status;
  const machine = readMachine(server?.pid);
  const findings = findingsOf(machine, {
    connections: server?.connections.limit ?? DEFAULT_CONNECTIONS,
    processes: server && server.processes.total - 1,
    isRoot: process.geteuid?.() === 0,
    taskQueue: running?.taskQueue,
  });
  if (findings.length > 0) process.exitCode = EXIT.failed;
  if (json) return console.log(JSON.stringify({ server: server?.name ?? null, findings }));
  const whose = server === undefined ? 'a server without options' : `the server '${server.name}'`;
  if (findings.length === 0) return console.error(`Nothing of this machine will hurt ${whose}.`);
  console.log(findings.map(textOf).join('\n\n'));
  console.error(`\n${findings.length} of this machine will hurt ${whose}.`);
}

function textOf({ id, what, why, mend }: Finding): string {
  const paint = painter(process.stdout);
  return `${paint('yellow', id)}: ${what} ${why}\n  ${paint('bold', mend)}`;
}

/** Queues of the system, as `/v1/queues` tells of them. */
const KINDS = ['sysv', 'posix'] as const;

interface Running {
  readonly status: Status;
  readonly taskQueue: (typeof KINDS)[number] | undefined;
}

/** Without a name: the one that there is, if there is one. */
async function runningServer(name: string | undefined): Promise<Running | undefined> {
  try {
    const place = findServer(name);
    if (name === undefined && !isRunning(place.pid)) return undefined;
    const client = new AdminClient(place);
    const status = await client.get<Status>('/v1/status');
    const { queues } = await client.get<{ queues: QueueReport[] }>('/v1/queues');
    return { status, taskQueue: KINDS.find((kind) => queues.some((queue) => queue.kind === kind)) };
  } catch (error) {
    if (name === undefined && error instanceof CommandError && error.exitCode === EXIT.noServer)
      return undefined;
    throw error;
  }
}
