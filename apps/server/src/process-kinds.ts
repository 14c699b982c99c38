import { socketNames } from './base/sockets.js';
import {
  datagramName,
  type FabricShape,
  peerBellName,
  peerDescriptors,
  reactorDescriptors,
} from './fabric.js';
import type { RoleName } from './role.js';
import { askerDescriptors, askersOf, peerOfAsker, runnerDescriptors } from './task-ways.js';

/** What a process below the manager is called, and which descriptors it gets; `id` counts those of its role. */
export function processKind(
  role: RoleName,
  shape: FabricShape,
  id: number,
): { readonly kind: string; readonly names: string[] } {
  const peer = flatId(role, shape, id);
  const names = [...peerDescriptors(shape, peer), ...shape.datagrams.map(datagramName)];
  switch (role) {
    case 'worker':
      return { kind: 'worker', names: [...names, ...askerDescriptors(shape, peer), ...baseNames(shape, id)] };
    case 'taskWorker':
      // It rings those that have asked it.
      return {
        kind: 'task worker',
        names: [...names, ...askerBells(shape), ...runnerDescriptors(shape, id)],
      };
    default:
      return { kind: 'user process', names: [...names, ...askerDescriptors(shape, peer)] };
  }
}

function baseNames(shape: FabricShape, id: number): string[] {
  return shape.base ? [...reactorDescriptors(shape, id), ...socketNames(shape.base, id)] : [];
}

/** The names of the bells of all that ask task workers. */
export function askerBells(shape: FabricShape): string[] {
  return Array.from({ length: askersOf(shape) }, (_, asker) => peerBellName(peerOfAsker(shape, asker)));
}

/** The id among all processes below the manager: workers, then task workers, then user processes. */
export function flatId(role: RoleName, { workers, taskWorkers }: FabricShape, id: number): number {
  if (role === 'worker') return id;
  return role === 'taskWorker' ? workers + id : workers + taskWorkers + id;
}

/** The role of a process by its flat id; undefined where there is none. */
export function roleOfFlatId(
  { workers, taskWorkers, userProcesses }: FabricShape,
  id: number,
): RoleName | undefined {
  if (!Number.isInteger(id) || id < 0 || id >= workers + taskWorkers + userProcesses) return undefined;
  if (id < workers) return 'worker';
  return id < workers + taskWorkers ? 'taskWorker' : 'userProcess';
}
