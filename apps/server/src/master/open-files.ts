import { lastForClients, openFilesLimit } from '../open-files.js';
import type { RoleContext } from '../role.js';

/** Warns when fewer files may be open than clients: each takes a descriptor of the master. */
export function checkOpenFiles({ options: { maxConnections, reservedDescriptors }, log }: RoleContext): void {
  const limit = openFilesLimit();
  if (lastForClients(reservedDescriptors, limit) >= maxConnections) return;
  log.warn(
    { maxConnections, limit, reservedDescriptors },
    `maxConnections is ${maxConnections}, but ulimit -n allows ${limit} open files, of which some are kept back: raise it, or lower maxConnections`,
  );
}
