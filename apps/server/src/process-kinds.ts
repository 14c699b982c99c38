import { socketNames } from './base/sockets.js';
import { type FabricShape, peerBellName, peerDescriptors, reactorDescriptors } from './fabric.js';
import type { RoleName } from './role.js';
import { askerDescriptors, runnerDescriptors } from './task-ways.js';

/** What a process below the manager is called, and which descriptors it gets; `id` counts those of its role. */
export function processKind(
  role: RoleName,
  shape: FabricShape,
  id: number,
): { readonly kind: string; readonly names: string[] } {
  const names = peerDescriptors(shape, flatId(role, shape, id));
  switch (role) {
    case 'worker':
      return { kind: 'worker', names: [...names, ...askerDescriptors(shape, id), ...baseNames(shape, id)] };
    case 'taskWorker':
      // It rings the workers that have asked it.
      return {
        kind: 'task worker',
        names: [...names, ...workerBells(shape), ...runnerDescriptors(shape, id)],
      };
    default:
      return { kind: 'user process', names };
  }
}

function baseNames(shape: FabricShape, id: number): string[] {
  return shape.base ? [...reactorDescriptors(shape), ...socketNames(shape.base, id)] : [];
}

/** The names of the bells of all workers. */
export function workerBells({ workers }: FabricShape): string[] {
  return Array.from({ length: workers }, (_, worker) => peerBellName(worker));
}

/** The id among all processes below the manager: workers, then task workers, then user processes. */
export function flatId(role: RoleName, { workers, taskWorkers }: FabricShape, id: number): number {
  if (role === 'worker') return id;
  return role === 'taskWorker' ? workers + id : workers + taskWorkers + id;
}
