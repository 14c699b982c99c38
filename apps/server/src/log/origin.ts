import type { RoleName } from '../contract/ids.js';
import type { ServiceName } from '../contract/service.js';

/** What a line of the log names the process by that has written it, beside its pid. */
export interface Origin {
  readonly role: LogRole;
  /** Counts those of its role; of those of which there is one it is left out. */
  readonly id?: number;
}

/** As the admin interface names roles. */
export type LogRole =
  | 'master'
  | 'manager'
  | 'worker'
  | 'task-worker'
  | 'user-process'
  | 'bus'
  | 'task-broker'
  | 'admin'
  | 'spare';

const ROLES: Readonly<Record<RoleName, LogRole>> = {
  master: 'master',
  manager: 'manager',
  worker: 'worker',
  taskWorker: 'task-worker',
  userProcess: 'user-process',
};

export function originOf(role: RoleName, id: number): Origin {
  return role === 'master' || role === 'manager' ? { role } : { role: ROLES[role], id };
}

const SERVICES: Readonly<Record<ServiceName, LogRole>> = { bus: 'bus', 'task broker': 'task-broker' };

/** Of a service process: there is one of each. */
export function originOfService(name: ServiceName): Origin {
  return { role: SERVICES[name] };
}

/** As `ps` and messages name it: `worker 0`. */
export function nameOf({ role, id }: Origin): string {
  const name = role.replace('-', ' ');
  return id === undefined ? name : `${name} ${id}`;
}
