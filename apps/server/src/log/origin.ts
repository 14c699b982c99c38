import type { RoleName } from '../contract/ids.js';

/** What a line of the log names the process by that has written it, beside its pid. */
export interface Origin {
  readonly role: LogRole;
  /** Counts those of its role; of those of which there is one it is left out. */
  readonly id?: number;
}

/** As the admin interface names roles. */
export type LogRole = 'master' | 'manager' | 'worker' | 'task-worker' | 'user-process' | 'admin' | 'spare';

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

/** As `ps` and messages name it: `worker 0`. */
export function nameOf({ role, id }: Origin): string {
  const name = role.replace('-', ' ');
  return id === undefined ? name : `${name} ${id}`;
}
