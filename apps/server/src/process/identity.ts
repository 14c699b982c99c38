import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { thisProcess } from '@millrace/native';
import { dieWithParent, thisThread } from '@millrace/native/internal';
import { check, syscalls } from '@millrace/native/syscalls';
import { type Daemon, daemonize } from '@millrace/process-pool/process';
import type { ProcessRole } from '../contract/ids.js';
import { ServerError } from '../errors.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/**
 * What the options want this process to be, before it takes its role. The master goes to the background, and keeps its
 * rights, as the manager does: it has to send signals. The others give them up.
 */
export async function applyIdentity(
  options: ResolvedOptions,
  role: ProcessRole,
): Promise<Daemon | undefined> {
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
  if (typeof user === 'number' && isAnother(user) && group === undefined && entryOf(user) === undefined) {
    const message = `No line of /etc/passwd is of user ${user}, so the groups of its processes are not known: name 'group' as well.`;
    throw new ServerError('ERR_MILLRACE_IDENTITY', message);
  }
  const may = effectiveCapabilities();
  const lacks = (capability: bigint) => ((may >> capability) & 1n) === 0n;
  const needsUser = user !== undefined && user !== process.getuid?.();
  const needsGroups = group !== undefined || needsUser || typeof user === 'string';
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
  // Where there is no way to know, the process that is to become it will tell.
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
export function takeIdentity({
  user,
  group,
  chroot,
}: Pick<ResolvedOptions, 'user' | 'group' | 'chroot'>): void {
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

/** Those of root, who has started the server, give rights as well: a process that becomes another user has that user's alone. */
function takeGroups(user: string | number | undefined, group: string | number | undefined): void {
  // A name's groups come from the system's list, which a new root directory may not have.
  if (typeof user === 'string' || (user !== undefined && isAnother(user) && group === undefined)) {
    const { name, group: main } = group === undefined ? knownEntryOf(user) : { name: String(user), group };
    // Documented, and missing in Node's types.
    (process as { initgroups?(user: string, group: string | number): void }).initgroups?.(name, main);
    process.setgid?.(main);
  } else if (group !== undefined) {
    process.setgroups?.([group]);
    process.setgid?.(group);
  }
}

const isAnother = (user: number) => user !== process.getuid?.();

/** A user in the system's list. */
interface UserEntry {
  readonly name: string;
  /** The number of the main group. */
  readonly group: number;
}

function knownEntryOf(user: string | number): UserEntry {
  const entry = entryOf(user);
  if (entry === undefined) throw new RangeError(`/etc/passwd has no user '${user}'; name the group as well`);
  return entry;
}

function entryOf(user: string | number): UserEntry | undefined {
  const lines = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').split('\n') : [];
  for (const line of lines) {
    const [name = '', , id, group] = line.split(':');
    if (typeof user === 'string' ? name === user : id === String(user)) return { name, group: Number(group) };
  }
  return undefined;
}
