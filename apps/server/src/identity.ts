import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { check, dieWithParent, syscalls, thisProcess, thisThread } from '@millrace/native';
import { type Daemon, daemonize } from '@millrace/process-pool';
import { ServerError } from './errors.js';
import type { ResolvedOptions } from './options.js';
import type { RoleName } from './role.js';

/**
 * What the options want this process to be, before it takes its role. The master goes to the background, and keeps its
 * rights, as the manager does: it has to send signals. The others give them up.
 */
export async function becomeAsAsked(options: ResolvedOptions, role: RoleName): Promise<Daemon | undefined> {
  if (options.umask !== undefined) process.umask(options.umask);
  if (role === 'master') {
    checkIdentity(options);
    if (options.daemonize)
      return await daemonize({ output: options.logFile ?? '/dev/null', waitForReady: true });
  } else if (role !== 'manager') takeIdentity(options);
  return undefined;
}

/** Bits of a process's capabilities, see capabilities(7). */
const CAP_SETGID = 6n;
const CAP_SETUID = 7n;
const CAP_SYS_CHROOT = 18n;

/**
 * What the workers would fail at one after the other is said once, by the master, before there are any. Throws
 * `ERR_MILLRACE_IDENTITY`.
 */
function checkIdentity({ user, group, chroot }: ResolvedOptions): void {
  if (user === undefined && group === undefined && chroot === undefined) return;
  for (const [option, name, database] of [
    ['user', user, 'passwd'],
    ['group', group, 'group'],
  ] as const) {
    if (typeof name !== 'string' || isKnown(name, database)) continue;
    const message = `There is no ${option} '${name}' on this machine: name another '${option}', or its number.`;
    throw new ServerError('ERR_MILLRACE_IDENTITY', message);
  }
  const may = effectiveCapabilities();
  const lacks = (capability: bigint) => ((may >> capability) & 1n) === 0n;
  const needsGroups = group !== undefined || typeof user === 'string';
  const needsUser = user !== undefined && user !== process.getuid?.();
  if (
    (needsUser && lacks(CAP_SETUID)) ||
    (needsGroups && lacks(CAP_SETGID)) ||
    (chroot !== undefined && lacks(CAP_SYS_CHROOT))
  ) {
    const wanted = JSON.stringify({ user, group, chroot });
    const message = `A server of user ${process.getuid?.()} cannot become ${wanted}: start it as root, or leave these options out.`;
    throw new ServerError('ERR_MILLRACE_IDENTITY', message);
  }
  if (chroot !== undefined && statSync(chroot, { throwIfNoEntry: false })?.isDirectory() !== true) {
    const message = `The chroot '${chroot}' is no directory: make it first, or name another.`;
    throw new ServerError('ERR_MILLRACE_IDENTITY', message);
  }
}

/** Whether the system knows a user or group, from its file or from wherever else it has some (LDAP, say). */
function isKnown(name: string, database: 'passwd' | 'group'): boolean {
  const lines = readFileSync(`/etc/${database}`, 'utf8').split('\n');
  if (lines.some((line) => line.startsWith(`${name}:`))) return true;
  const { status } = spawnSync('getent', [database, '--', name], { stdio: 'ignore' });
  // Where nobody can be asked, the process that is to become it will tell.
  return status !== NOT_FOUND;
}

/** With which `getent` exits when there is no such entry. */
const NOT_FOUND = 2;

function effectiveCapabilities(): bigint {
  const [, bits = '0'] = readFileSync('/proc/self/status', 'utf8').match(/^CapEff:\t([0-9a-f]+)$/m) ?? [];
  return BigInt(`0x${bits}`);
}

/**
 * Makes this process the user's of the options, in the only order that works: the groups while it may still change
 * them, the root directory while it may still choose one, the user last. Does nothing where the options say nothing.
 * Throws `ERR_MILLRACE_IDENTITY`: a process that cannot give up its rights does not run with them.
 */
function takeIdentity({ user, group, chroot }: Pick<ResolvedOptions, 'user' | 'group' | 'chroot'>): void {
  if (user === undefined && group === undefined && chroot === undefined) return;
  const parent = process.ppid;
  // Locks and files of tasks carry who has made them, which /proc tells: there may be none below the new root directory.
  thisProcess();
  thisThread();
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
