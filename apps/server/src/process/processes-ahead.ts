import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { INHERITANCE_VARIABLE } from '@millrace/metrics';
import { type AheadOrder, AheadProcesses, pathOf } from '@millrace/process-pool/internal';
import type { Handlers, ServerEvents } from '../contract/events.js';
import type { Topology } from '../links/topology.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { spawnArguments } from './spawn-arguments.js';

/** What a service manager tells the master alone, which takes it out of its environment when it has its role. */
const OF_THE_MASTER = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_FDS'];

/** Processes are handed the memory of the program's metrics: where that is by this variable, each says for those below it. */
const IGNORED = [INHERITANCE_VARIABLE];

let members: AheadProcesses | undefined;

/**
 * In the master, before it loads its own role: starts the manager's process, which boots and loads meanwhile and starts those of the first
 * workers. Undefined where what a process would inherit is not what it is to have yet.
 */
export function startManagerAhead(
  options: ResolvedOptions,
  topology: Topology,
  handlers: Handlers<ServerEvents>,
): AheadProcesses | undefined {
  const { title, umask, daemonize, admin } = options;
  const isLeft = (name: string) => process.env[name] !== undefined;
  if (umask !== undefined || daemonize || OF_THE_MASTER.some(isLeft)) return undefined;
  if (admin?.port !== undefined && isLeft(admin.tokenVariable)) return undefined;
  const launch = spawnArguments(options);
  // No process is started before these have settled; and what the manager runs is to it a path from the root.
  const entry = pathOf(launch.entry);
  const startsBelow = handlers.get('managerStart').length === 0 && entry === resolve(entry);
  // No more of them can load at a time.
  const count = Math.min(topology.startWorkers, availableParallelism());
  return new AheadProcesses(launch, {
    count: 1,
    title: `${title}: manager`,
    ignored: IGNORED,
    below: startsBelow ? { count, title: `${title}: worker` } : undefined,
  });
}

/** In the manager, before it has its assignment: as the master has said. */
export function startMembersAhead(order: AheadOrder): void {
  members = new AheadProcesses(spawnArguments({ entry: undefined }), { ...order, ignored: IGNORED });
}

/** In the manager: what has been started by {@link startMembersAhead}. */
export function membersAhead(): AheadProcesses | undefined {
  return members;
}
