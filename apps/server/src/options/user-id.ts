import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { ResolvedOptions } from './resolve-options.js';

const USERS = '/etc/passwd';

/**
 * The number of the user that workers run as, where it is not who has started the server: what is theirs is to be known
 * to the master. Undefined for one that the system does not know; the process that is to become that user reports it.
 */
export function userIdOf({ user }: Pick<ResolvedOptions, 'user'>): number | undefined {
  if (typeof user !== 'string') return user;
  // Who is not root does not deal with what is another's.
  if (process.geteuid?.() !== 0) return undefined;
  if (!existsSync(USERS)) return askSystem(user);
  const entry = readFileSync(USERS, 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${user}:`));
  return entry === undefined ? askSystem(user) : Number(entry.split(':')[2]);
}

/** Users may be in a directory of the network, which the C library asks, and Node does not show. */
function askSystem(user: string): number | undefined {
  try {
    return Number(
      execFileSync('id', ['-u', '--', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    // `id` is missing, or knows no such user.
    return undefined;
  }
}
