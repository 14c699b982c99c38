import { ProcessPool, type ProcessPoolEvents } from '@millrace/process-pool';
import type { AheadProcesses } from '@millrace/process-pool/internal';
import type { RoleAssignment } from '../contract/role.js';
import type { Descriptors } from '../links/descriptor-names.js';
import type { RoleContext } from '../process/role-context.js';
import { spawnArguments } from '../process/spawn-arguments.js';
import type { ServerSize } from '../shared/server-size.js';

/**
 * The pool whose one member is the manager, not started yet, whose process may have been started `ahead`. Where there may be spares, one
 * waits to be the next.
 */
export function managerPool(
  { options, plan, failedStarts, program }: RoleContext,
  descriptors: Descriptors,
  tasks: Pick<RoleAssignment, 'taskFiles' | 'taskRun'>,
  size: () => ServerSize,
  ahead: AheadProcesses | undefined,
  events: ProcessPoolEvents,
): ProcessPool {
  const { title, spares = 1 } = options;
  const data: RoleAssignment = {
    role: 'manager',
    id: 0,
    managerIncarnation: 0,
    plan,
    failedStarts,
    ...tasks,
    // As it is when a manager is started.
    get size() {
      return size();
    },
    get program() {
      return program?.current;
    },
  };
  const manager = {
    name: 'manager',
    title: `${title}: manager`,
    ...spawnArguments(options),
    descriptors,
    data,
    // It has given up already by the time that it ends before it was ready.
    restart: { giveUpAfter: 1 },
    // As long as its workers take.
    startTimeout: Number.POSITIVE_INFINITY,
  };
  return new ProcessPool([manager], events, {
    title: `${title}: manager`,
    spares: Math.min(spares, 1),
    ahead,
  });
}
