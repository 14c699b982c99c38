import { join } from 'node:path';
import { type QueueAddress, queueState, queueTitle, SpillDirectory } from '@millrace/task-pool';
import type { ResolvedOptions } from './options.js';

type FileOptions = Pick<ResolvedOptions, 'taskTmpdir' | 'chroot'>;

/** What begins the names of files of values that a queue of the system may name: they outlive their writers. */
export const QUEUED = 'task';

/** What begins the names of all other files: whoever waits for what is in them does not outlive the server. */
export const OWN = 'process';
const writerOf = (pid: number) => `${OWN}-${pid}`;

/**
 * The files of tasks' values and results that are too large for a message: a directory of this server's in `taskTmpdir`.
 * The master sweeps those of dead servers and removes its own at the end; whoever needs it first makes it, being who it
 * is to belong to. With a queue of the system it is the queue's directory. Throws `ERR_MILLRACE_TASK_TMPDIR`.
 */
export function planTaskFiles(
  { taskTmpdir, chroot }: FileOptions,
  queue: QueueAddress | undefined,
): SpillDirectory {
  const directory = chroot === undefined ? taskTmpdir : join(chroot, taskTmpdir);
  if (queue === undefined) return SpillDirectory.plan(directory, 'server');
  return SpillDirectory.planShared(directory, queueTitle(queue), 'server');
}

/**
 * The same directory, in a worker or task worker; `path` is where the master sees it. `queuedBy`: this process writes
 * values that a queue may name; the run of the server, for no two files have one name.
 */
export function openTaskFiles(
  { taskTmpdir, chroot }: FileOptions,
  path: string,
  queuedBy?: string,
): SpillDirectory {
  const seen = chroot === undefined ? path : join(taskTmpdir, path.slice(join(chroot, taskTmpdir).length));
  const writer = queuedBy === undefined ? writerOf(process.pid) : `${QUEUED}-${process.pid}-${queuedBy}`;
  return new SpillDirectory(seen, writer, { made: false });
}

/** Removes what a dead process has written and nobody has read, but for what a queue may name still. */
export function removeFilesOf(path: string, pid: number, queue: QueueAddress | undefined): void {
  const files = new SpillDirectory(path, '');
  files.removeOf(writerOf(pid));
  if (queue !== undefined && isEmpty(queue)) files.removeOf(`${QUEUED}-${pid}`);
}

/** Whether no message names a file any more. */
export function isEmpty(queue: QueueAddress): boolean {
  return (queueState(queue)?.messages ?? 0) === 0;
}
