import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** Of a directory that is used as it is, in the place of the one that follows from the user. */
const VARIABLE = 'MILLRACE_RUNTIME_DIR';
const SOCKET = '.sock';

export function isAdminName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name);
}

/**
 * The directory with the sockets of this user's servers. It is the same for a server and for the command that looks for it, as long as
 * both are of one user. A directory of another user in `XDG_RUNTIME_DIR`, which `su` leaves there, is not used.
 */
export function adminDirectory(): string {
  const own = process.env[VARIABLE];
  if (own !== undefined && isAbsolute(own)) return own;
  const user = process.geteuid?.() ?? 0;
  const { XDG_RUNTIME_DIR: runtime } = process.env;
  if (runtime !== undefined && isAbsolute(runtime) && ownerOf(runtime) === user)
    return join(runtime, 'millrace');
  return user === 0 ? '/run/millrace' : `/tmp/millrace-${user}`;
}

/** Where the server of that name is asked. */
export const socketPath = (name: string, directory = adminDirectory()) => join(directory, `${name}${SOCKET}`);

/** The file that holds the pid of its master as long as it runs. */
export const claimPath = (name: string, directory = adminDirectory()) => join(directory, `${name}.pid`);

/** The names of this user's servers, those that were killed included; none where there is no directory. Throws what `readdirSync` throws. */
export function serverNames(directory = adminDirectory()): string[] {
  try {
    return readdirSync(directory)
      .filter((file) => file.endsWith(SOCKET))
      .map((file) => file.slice(0, -SOCKET.length))
      .filter(isAdminName)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The pid that a server of that name has left; undefined where it has left none. */
export function claimedPid(name: string, directory = adminDirectory()): number | undefined {
  try {
    const pid = Number(readFileSync(claimPath(name, directory), 'latin1'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if (['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    // It is not there, or not for this user to see: then it is not this user's.
    return undefined;
  }
}
