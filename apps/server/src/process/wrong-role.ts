import type { ProcessRole } from '../contract/ids.js';
import { ServerError } from '../errors.js';

/** What a member of the server throws where its process does not run yet, or no more. */
export function notStarted(member: string): ServerError {
  return new ServerError('ERR_MILLRACE_NOT_RUNNING', `${member} needs a started server.`);
}

/** What a member of the server throws in a process that it is not for. */
export function wrongRole(member: string, wanted: string, role: ProcessRole): ServerError {
  return new ServerError(
    'ERR_MILLRACE_WRONG_ROLE',
    `${member} is for ${wanted}; this process is the ${role}.`,
  );
}
