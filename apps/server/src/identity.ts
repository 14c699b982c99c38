import { readFileSync } from 'node:fs';
import { check, dieWithParent, syscalls } from '@millrace/native';
import { daemonize } from '@millrace/process-pool';
import { ServerError } from './errors.js';
import type { ResolvedOptions } from './options.js';
import type { RoleName } from './role.js';

/**
 * What the options want this process to be, before it takes its role. The master goes to the background, and keeps its
 * rights, as the manager does: it has to send signals. The others give them up.
 */
export async function becomeAsAsked(options: ResolvedOptions, role: RoleName): Promise<void> {
  if (options.umask !== undefined) process.umask(options.umask);
  if (role === 'master') {
    if (options.daemonize) await daemonize({ output: options.logFile ?? '/dev/null' });
  } else if (role !== 'manager') takeIdentity(options);
}

/**
 * Makes this process the user's of the options, in the only order that works: the groups while it may still change
 * them, the root directory while it may still choose one, the user last. Does nothing where the options say nothing.
 * Throws `ERR_MILLRACE_IDENTITY`: a process that cannot give up its rights does not run with them.
 */
function takeIdentity({ user, group, chroot }: Pick<ResolvedOptions, 'user' | 'group' | 'chroot'>): void {
  if (user === undefined && group === undefined && chroot === undefined) return;
  const parent = process.ppid;
  try {
    takeGroups(user, group);
    if (chroot !== undefined) {
      check(syscalls.changeRoot(chroot), 'chroot', chroot);
      process.chdir('/');
    }
    if (user !== undefined) process.setuid?.(user);
  } catch (cause) {
    const wanted = JSON.stringify({ user, group, chroot });
    const message = `This process cannot become ${wanted}: ${(cause as Error).message}. Start the server as root, or leave these options out.`;
    throw new ServerError('ERR_MILLRACE_IDENTITY', message, { cause });
  }
  // The kernel forgets at a change of user that this process is to die with its parent.
  if (!dieWithParent(parent)) process.exit(1);
}

function takeGroups(user: string | number | undefined, group: string | number | undefined): void {
  // A name's groups come from the system's list, which a new root directory may not have.
  if (typeof user === 'string') {
    const main = group ?? mainGroup(user);
    // Documented, and missing in Node's types.
    (process as { initgroups?(user: string, group: string | number): void }).initgroups?.(user, main);
    process.setgid?.(main);
  } else if (group !== undefined) {
    process.setgroups?.([group]);
    process.setgid?.(group);
  }
}

/** The group that the system's list gives to a user. */
function mainGroup(user: string): number {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${user}:`));
  if (line === undefined) throw new RangeError(`/etc/passwd has no user '${user}'; name the group as well`);
  return Number(line.split(':')[3]);
}
