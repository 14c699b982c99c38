import { statSync } from 'node:fs';
import { adminDirectory, claimedPid, isAdminName, serverNames, socketPath } from '@millrace/server/admin';
import { CommandError } from '../command-error.js';

/** A server that is asked, by its name. */
export interface ServerPlace {
  readonly name: string;
  readonly socketPath: string;
  /** Its master, as far as that has left its pid. */
  readonly pid: number | undefined;
}

/**
 * The server of that name; without one, the only one of this user that runs. Throws a `CommandError` that says which there are. A server
 * that was killed may be among them still: who asks it is told.
 */
export function findServer(name: string | undefined): ServerPlace {
  const directory = adminDirectory();
  const names = namesIn(directory);
  if (name !== undefined) {
    if (!isAdminName(name))
      throw new CommandError('usage', `${JSON.stringify(name)} is no name of a server.`);
    if (!names.includes(name))
      throw new CommandError(
        'noServer',
        `There is no server with the name '${name}'. ${others(names, directory)}`,
      );
    return placeOf(name);
  }
  if (names.length === 0) throw new CommandError('noServer', others(names, directory));
  const running = names.filter((one) => isRunning(claimedPid(one)));
  const [only = names[0] as string] = running;
  if (running.length > 1 || (running.length === 0 && names.length > 1))
    throw new CommandError(
      'usage',
      `Several servers run, so name one: ${(running.length > 1 ? running : names).join(', ')}.`,
    );
  return placeOf(only);
}

const placeOf = (name: string): ServerPlace => ({
  name,
  socketPath: socketPath(name),
  pid: claimedPid(name),
});

function namesIn(directory: string): string[] {
  const user = process.geteuid?.();
  const owner = statSync(directory, { throwIfNoEntry: false })?.uid;
  if (owner !== undefined && owner !== user)
    throw new CommandError(
      'notAllowed',
      `The directory ${directory} belongs to user ${owner}, and not to user ${user}: ask as that user.`,
    );
  try {
    return serverNames(directory);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM')
      throw new CommandError('notAllowed', `${directory} is not for this user: ${message}.`);
    throw error;
  }
}

function others(names: readonly string[], directory: string): string {
  if (names.length > 0) return `There are: ${names.join(', ')}.`;
  return `No server of this user runs that was started with an admin interface (millrace start app.js); it would be in ${directory}.`;
}

export function isRunning(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's, which may be the server's that had this pid's number.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
