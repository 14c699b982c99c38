import { readFileSync } from 'node:fs';
import type { RoleContext } from '../role.js';

/** Warns when fewer files may be open than clients: each takes a descriptor of the master. */
export function checkOpenFiles({ options: { maxConnections }, log }: RoleContext): void {
  const [, limit] = readFileSync('/proc/self/limits', 'utf8').match(/^Max open files +(\d+)/m) ?? [];
  if (limit === undefined || Number(limit) >= maxConnections) return;
  log.warn(
    { maxConnections, limit: Number(limit) },
    `maxConnections is ${maxConnections}, but ulimit -n allows ${limit} open files: raise it, or lower maxConnections`,
  );
}
