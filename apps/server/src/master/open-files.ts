import { ServerError } from '../errors.js';
import { lastForClients, openFilesLimit } from '../options/open-files.js';
import type { RoleContext } from '../process/role-context.js';

/** Warns when fewer files may be open than clients: each takes a descriptor of the master. */
export function checkOpenFiles(context: RoleContext): void {
  const { maxConnections, reservedDescriptors } = context.options;
  const limit = openFilesLimit();
  if (lastForClients(reservedDescriptors, limit) >= maxConnections) return;
  context.log.warn(
    { maxConnections, limit, reservedDescriptors },
    `maxConnections is ${maxConnections}, but ulimit -n allows ${limit} open files, of which some are kept back: raise it, or lower maxConnections`,
  );
}

/** What a start that had too few descriptors fails with; undefined where `error` has another reason. */
export function tooFewOpenFiles(error: unknown): ServerError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, errnoName = code } = cause as { code?: unknown; errnoName?: unknown };
    if (errnoName !== 'EMFILE') continue;
    return new ServerError(
      'ERR_MILLRACE_START_FAILED',
      `ulimit -n allows ${openFilesLimit()} open files, which the processes of this server are too many for: ` +
        'raise it (LimitNOFILE in systemd), or let it have fewer workers, task workers and listeners.',
      { cause: error },
    );
  }
  return undefined;
}
