import { readdirSync, readlinkSync } from 'node:fs';
import { syscalls } from './addon.js';
import { NativeError } from './errors.js';
import { type ProcessStat, processStat, readStat } from './process-stat.js';

/** What tells one process from every other that has had, or will have, the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from the start of the machine to that of the process: no later process with the pid has the same. */
  readonly start: number;
  /** The inode of the pid namespace that `pid` is a number of ({@link pidNamespace}). */
  readonly namespace: number;
}

/** What tells one thread from every other. */
export interface ThreadIdentity extends ProcessIdentity {
  /** The kernel's thread id; that of a main thread is its pid. */
  readonly tid: number;
  /** Clock ticks from the start of the machine to that of the thread. */
  readonly start: number;
}

/**
 * Whether a process lives. Only `'dead'` permits to take over, sweep or remove what it owns: `'unknown'` is what this
 * process may not see (another user's under `hidepid`) or cannot name (another pid namespace's).
 */
export type Liveness = 'alive' | 'dead' | 'unknown';

let namespace: number | undefined;
let process_: ProcessIdentity | undefined;
let thread: ThreadIdentity | undefined;
let procIsOurs: boolean | undefined;

/** The inode of this process's pid namespace: pids mean something only to processes with the same. */
export function pidNamespace(): number {
  // 'pid:[4026531836]'
  namespace ??= Number(/\d+/.exec(readLink('/proc/self/ns/pid') ?? noProc('/proc/self/ns/pid'))?.[0]);
  return namespace;
}

/** Who this process is: what to write beside something that it owns. */
export function thisProcess(): ProcessIdentity {
  process_ ??= { pid: process.pid, start: ownStat('/proc/self/stat').start, namespace: pidNamespace() };
  return process_;
}

/** Who this thread is. A module of each thread has its own answer. */
export function thisThread(): ThreadIdentity {
  if (thread === undefined) {
    const { start } = ownStat('/proc/thread-self/stat');
    thread = { pid: process.pid, tid: syscalls.threadId(), start, namespace: pidNamespace() };
  }
  return thread;
}

/** The process that has a pid of this namespace now; undefined when none has, or none that is visible and still runs. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = procIsReadable() && isPid(pid) ? processStat(pid) : undefined;
  if (stat === undefined || hasEnded(stat)) return undefined;
  return { pid, start: stat.start, namespace: pidNamespace() };
}

/**
 * Whether a process, or thread, lives; a zombie is dead. Reads a file of /proc: nothing for a path that does not wait.
 *
 * @example
 * ```ts
 * const { pid, start, namespace } = thisProcess();      // write these three beside what is owned
 * if (livenessOf({ pid, start, namespace }) === 'dead') remove();    // never on 'unknown'
 * ```
 */
export function livenessOf(who: ProcessIdentity | ThreadIdentity): Liveness {
  if (who.namespace !== pidNamespace()) return 'unknown';
  if (!isPid(who.pid)) return 'dead';
  if (!procIsReadable()) return livenessByKill(who.pid);
  const tid = 'tid' in who ? who.tid : undefined;
  const stat = tid === undefined ? processStat(who.pid) : readStat(`/proc/${who.pid}/task/${tid}/stat`);
  if (stat !== undefined) return stat.start === who.start && !hasEnded(stat) ? 'alive' : 'dead';
  // The process is shown, and the thread is not: it has ended.
  if (tid !== undefined && processStat(who.pid) !== undefined) return 'dead';
  return livenessByKill(who.pid);
}

const PROCESS_TAG = /^(\d{1,10})-(\d{1,10})-(\d{1,20})(?=-|$)/;

/** A process as a part of a name, such as that of a file: `NAMESPACE-PID-START`, decimal. Default: this process. */
export function processTag({ namespace, pid, start }: ProcessIdentity = thisProcess()): string {
  return `${namespace}-${pid}-${start}`;
}

/** The process whose {@link processTag} a text begins with; undefined when it begins with none. */
export function taggedProcess(text: string): ProcessIdentity | undefined {
  const [, namespace, pid, start] = PROCESS_TAG.exec(text) ?? [];
  return start === undefined
    ? undefined
    : { namespace: Number(namespace), pid: Number(pid), start: Number(start) };
}

/** Whether any process or thread has an id of this namespace now, where its start is not known. */
export function livenessOfPid(pid: number): Liveness {
  if (!isPid(pid)) return 'unknown';
  const stat = procIsReadable() ? processStat(pid) : undefined;
  if (stat === undefined) return livenessByKill(pid);
  return hasEnded(stat) ? 'dead' : 'alive';
}

/**
 * Whether none of a process's threads runs its program any more, nor a system call for it, though the kernel may not have told of its end
 * yet: it gives the memory back before, and closes what the process had open after that. What the process had alone may be another's
 * from then on. `pid` must be that of a child that has not been waited for, or of this process. False where /proc does not say.
 */
export function hasHalted(pid: number): boolean {
  if (!isPid(pid) || !procIsReadable()) return false;
  const threads = threadsOf(pid);
  // Those that are not shown any more have ended.
  const allEnd = threads.every((tid) => readStat(`/proc/${pid}/task/${tid}/stat`)?.isExiting ?? true);
  // A thread that was seen to run might have made another meanwhile; one that ends makes none.
  return threads.length > 0 && allEnd && threadsOf(pid).every((tid) => threads.includes(tid));
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EPERM', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return [];
    throw error;
  }
}

function ownStat(path: string): ProcessStat {
  return readStat(path) ?? noProc(path);
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function noProc(path: string): never {
  throw new NativeError(
    'ERR_MILLRACE_NO_PROC',
    `${path} cannot be read: processes cannot be identified without it. Mount /proc (mount -t proc proc /proc).`,
  );
}

/** Without /proc a zombie cannot be told from a process, nor a process from a later one: existing proves nothing. */
function livenessByKill(pid: number): Liveness {
  try {
    process.kill(pid, 0);
    return 'unknown';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return 'dead';
    if (code === 'EPERM') return 'unknown';
    throw error;
  }
}

/** False when /proc is another namespace's: its numbers are those of other processes. */
function procIsReadable(): boolean {
  procIsOurs ??= readLink('/proc/self') === String(process.pid);
  return procIsOurs;
}

function hasEnded({ state }: ProcessStat): boolean {
  return state === 'Z' || state === 'X';
}

/** 0 and negative numbers would be groups of processes. */
function isPid(pid: number): boolean {
  return Number.isInteger(pid) && pid > 0 && pid <= 2 ** 31 - 1;
}
