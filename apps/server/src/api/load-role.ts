import type { ChildProcessContext } from '@millrace/process-pool';
import type { AheadProcesses } from '@millrace/process-pool/internal';
import { asWorker, type ListenerIndex, type ProcessRole } from '../contract/ids.js';
import type { RoleAssignment } from '../contract/role.js';
import type { Descriptors } from '../links/descriptor-names.js';
import { flatId } from '../links/process-kinds.js';
import type { Topology } from '../links/topology.js';
import type { ServerMode } from '../options/options.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import type { RoleContext } from '../process/role-context.js';
import type { UserFunctions } from '../reactor/reactor-context.js';
import type { ServiceRole } from '../services/service-role.js';
import type { ServedServer } from '../sockets/server-kinds.js';
import type { UserProcessHandler } from '../worker/user-process.js';
import type { Role } from './role.js';

export interface RoleParts {
  readonly context: RoleContext;
  readonly topology: Topology;
  readonly assignment: RoleAssignment;
  /** Undefined in the master. */
  readonly child: ChildProcessContext | undefined;
  readonly userProcesses: readonly UserProcessHandler[];
  /** Those of the user's tables, in the master. */
  readonly tables: Descriptors;
  /** By listener, the servers that have its connections. */
  readonly served: ReadonlyMap<ListenerIndex, ServedServer>;
  /** In a worker of base mode. */
  readonly functions: UserFunctions | undefined;
  /** What has been started for the processes that this one is to start, in the master and in the manager. */
  readonly ahead: AheadProcesses | undefined;
}

/** A service process has what is no part of the program's server. */
export type TakenRole = Role | ServiceRole;

/** Makes the role of a process. */
export type TakeRole = (parts: RoleParts) => TakenRole;
type ChildParts = RoleParts & { readonly child: ChildProcessContext };

/**
 * Loads what a process of that role needs, and nothing of the others: a start is six times what one process loads. It comes
 * before the process changes its root directory, below which there are no modules.
 */
export async function loadRole(
  role: ProcessRole,
  { mode, taskWorkerNum, taskEngine }: Pick<ResolvedOptions, 'mode' | 'taskWorkerNum' | 'taskEngine'>,
  ports: readonly ResolvedPort[],
  isLean: boolean,
): Promise<TakeRole> {
  const hasTasks = taskWorkerNum > 0 || taskEngine !== undefined;
  if (role === 'master') {
    const { MasterRole } = await import('../master/master.js');
    const Tasks = hasTasks ? await loadTasks() : undefined;
    return ({ context, topology, tables, ahead }) => {
      process.title = `${context.options.title}: master`;
      return new MasterRole(context, topology, { tables, Tasks, ahead });
    };
  }
  return (await loadChild(role, mode, hasTasks, ports, isLean)) as TakeRole;
}

async function loadTasks() {
  const { RoleTasks } = await import('../tasks/role-tasks.js');
  return RoleTasks;
}

async function loadChild(
  role: Exclude<ProcessRole, 'master'>,
  mode: ServerMode,
  hasTasks: boolean,
  ports: readonly ResolvedPort[],
  isLean: boolean,
): Promise<(parts: ChildParts) => TakenRole> {
  if (role === 'manager') {
    const { ManagerRole } = await import('../manager/manager.js');
    const Tasks = hasTasks ? await loadTasks() : undefined;
    return ({ context, topology, child, ahead }) => new ManagerRole(context, child, topology, Tasks, ahead);
  }
  if (role === 'worker') {
    const { WorkerRole } = await import('../worker/worker.js');
    // In base mode it is the reactor of its own clients.
    const own = mode === 'base' ? await import('../base/own-reactor.js') : undefined;
    const hasServed = ports.some(({ protocol, late }) => protocol !== 'messages' || late);
    const sockets = hasServed ? await import('../worker/served-sessions.js') : undefined;
    const lean = isLean ? await import('@millrace/http') : undefined;
    return ({ context, topology, child, assignment, functions, served }) =>
      new WorkerRole(
        context,
        child,
        topology,
        asWorker(assignment.id),
        own && { Reactor: own.OwnReactor, functions },
        sockets && { Sessions: sockets.ServedSessions, servers: served, lean },
      );
  }
  if (role === 'taskWorker') {
    const { TaskWorkerRole } = await import('../tasks/task-worker.js');
    return ({ context, topology, child, assignment }) =>
      new TaskWorkerRole(context, child, topology, assignment.id);
  }
  if (role === 'service') {
    const { ServiceRole } = await import('../services/service-role.js');
    return ({ context, topology, child }) => new ServiceRole(context, child, topology);
  }
  const { UserProcessRole } = await import('../worker/user-process.js');
  const Tasks = hasTasks ? await loadTasks() : undefined;
  return ({ context, topology, child, assignment, userProcesses }) =>
    new UserProcessRole(
      context,
      child,
      topology,
      flatId(role, topology, assignment.id),
      userProcesses[assignment.id] as UserProcessHandler,
      Tasks,
    );
}
