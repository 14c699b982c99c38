import type { HostRecipe } from '@millrace/task-pool/internal';
import type { Topology } from '../links/topology.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { Bus } from './bus.js';

/**
 * A *service process* holds a connection of the server, and runs nothing of the program: neither what stands before `start` nor a handler, so
 * none of that can block it. Its entry is a module of this package; what it has to know of the program comes with its assignment.
 */
export type ServiceName = 'bus' | 'task broker';

/** What a service does: brings publications to other servers, or claims tasks of an engine for the task workers. */
export type Service =
  | { readonly name: 'bus'; readonly bus: Bus }
  | { readonly name: 'task broker'; readonly engine: string; readonly host: HostRecipe };

/** The options that a service process goes by. */
export const SERVICE_OPTIONS = [
  'mode',
  'title',
  'user',
  'group',
  'chroot',
  'umask',
  'logLevel',
  'logFile',
  'logFormat',
  'maxWaitTime',
  'taskWorkerNum',
  'taskTmpdir',
] as const satisfies readonly (keyof ResolvedOptions)[];

export type ServiceOptions = Pick<ResolvedOptions, (typeof SERVICE_OPTIONS)[number]>;

export interface ServiceAssignment {
  readonly service: Service;
  readonly options: ServiceOptions;
  readonly topology: Topology;
}
