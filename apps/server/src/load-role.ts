import type { ChildProcessContext } from '@millrace/process-pool';
import type { Descriptors, FabricShape } from './fabric.js';
import type { ResolvedOptions, ServerMode } from './options.js';
import { flatId } from './process-kinds.js';
import type { UserFunctions } from './reactor/thread.js';
import type { BirthData, Role, RoleContext, RoleName } from './role.js';
import type { UserProcessHandler } from './worker/user-process.js';

export interface RoleParts {
  readonly context: RoleContext;
  readonly shape: FabricShape;
  readonly birth: BirthData;
  /** Undefined in the master. */
  readonly child: ChildProcessContext | undefined;
  readonly userProcesses: readonly UserProcessHandler[];
  /** Those of the user's tables, in the master. */
  readonly tables: Descriptors;
  /** In a worker of base mode. */
  readonly functions: UserFunctions | undefined;
}

/** Makes the role of a process. */
type TakeRole = (parts: RoleParts) => Role;
type ChildParts = RoleParts & { readonly child: ChildProcessContext };

/**
 * Loads what a process of that role needs, and nothing of the others: a start is six times what one process loads. It comes
 * before the process changes its root directory, below which there are no modules.
 */
export async function loadRole(
  role: RoleName,
  { mode, taskWorkerNum }: Pick<ResolvedOptions, 'mode' | 'taskWorkerNum'>,
): Promise<TakeRole> {
  const hasTasks = taskWorkerNum > 0;
  if (role === 'master') {
    const { MasterRole } = await import('./master/master.js');
    const Tasks = hasTasks ? await loadTasks() : undefined;
    return ({ context, shape, tables }) => {
      process.title = `${context.options.title}: master`;
      return new MasterRole(context, shape, tables, Tasks);
    };
  }
  return (await loadChild(role, mode, hasTasks)) as TakeRole;
}

async function loadTasks() {
  const { RoleTasks } = await import('./role-tasks.js');
  return RoleTasks;
}

async function loadChild(
  role: Exclude<RoleName, 'master'>,
  mode: ServerMode,
  hasTasks: boolean,
): Promise<(parts: ChildParts) => Role> {
  if (role === 'manager') {
    const { ManagerRole } = await import('./manager.js');
    const Tasks = hasTasks ? await loadTasks() : undefined;
    return ({ context, shape, child }) => new ManagerRole(context, child, shape, Tasks);
  }
  if (role === 'worker') {
    const { WorkerRole } = await import('./worker/worker.js');
    // In base mode it is the reactor of its own clients.
    const own = mode === 'base' ? await import('./base/own-reactor.js') : undefined;
    return ({ context, shape, child, birth, functions }) =>
      new WorkerRole(context, child, shape, birth.id, own && { Reactor: own.OwnReactor, functions });
  }
  if (role === 'taskWorker') {
    const { TaskWorkerRole } = await import('./worker/task-worker.js');
    return ({ context, shape, child, birth }) => new TaskWorkerRole(context, child, shape, birth.id);
  }
  const { UserProcessRole } = await import('./worker/user-process.js');
  const Tasks = hasTasks ? await loadTasks() : undefined;
  return ({ context, shape, child, birth, userProcesses }) =>
    new UserProcessRole(
      context,
      child,
      shape,
      flatId(role, shape, birth.id),
      userProcesses[birth.id] as UserProcessHandler,
      Tasks,
    );
}
