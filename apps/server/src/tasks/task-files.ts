import { join } from 'node:path';
import { type QueueAddress, TaskError } from '@millrace/task-pool';
import { LargeValueFiles, queueState, queueTitle } from '@millrace/task-pool/internal';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { userIdOf } from '../options/user-id.js';

type FileOptions = Pick<ResolvedOptions, 'taskTmpdir' | 'chroot' | 'user'>;

/** What begins the names of files of values that a queue of the system may name: they outlive their writers. */
export const QUEUED = 'task';

/** What begins the names of all other files: the process that waits for what is in them does not outlive the server. */
export const OWN = 'process';
const writerOf = (pid: number) => `${OWN}-${pid}`;

/**
 * The files of tasks' values and results that are too large for a message: a directory of this server's in `taskTmpdir`.
 * The master sweeps those of dead servers and removes its own at the end; the first process that is whose it is to be
 * makes it, at its start. With a queue of the system it is the queue's directory. Throws `ERR_MILLRACE_TASK_TMPDIR`.
 */
export function planTaskFiles(
  { taskTmpdir, chroot, user }: FileOptions,
  queue: QueueAddress | undefined,
): LargeValueFiles {
  const owner = userIdOf({ user });
  const directory = chroot === undefined ? taskTmpdir : join(chroot, taskTmpdir);
  if (queue === undefined) return LargeValueFiles.plan(directory, 'server', owner);
  return LargeValueFiles.planShared(directory, queueTitle(queue), 'server', owner);
}

/**
 * The same directory, in a worker or task worker; `path` is where the master sees it. `queuedBy`: this process writes
 * values that a queue may name; the run of the server, for no two files have one name.
 */
export function openTaskFiles(
  { taskTmpdir, chroot }: FileOptions,
  path: string,
  queuedBy?: string,
): LargeValueFiles {
  const seen = chroot === undefined ? path : join(taskTmpdir, path.slice(join(chroot, taskTmpdir).length));
  const writer = queuedBy === undefined ? writerOf(process.pid) : `${QUEUED}-${process.pid}-${queuedBy}`;
  return new LargeValueFiles(seen, writer);
}

/** Removes what a dead process has written and no process has read, but for what a queue may name still. */
export function removeFilesOf(
  { user }: Pick<FileOptions, 'user'>,
  path: string,
  pid: number,
  queue: QueueAddress | undefined,
): void {
  const files = new LargeValueFiles(path, '', userIdOf({ user }));
  try {
    files.removeOf(writerOf(pid));
    if (queue !== undefined && isEmpty(queue)) files.removeOf(`${QUEUED}-${pid}`);
  } finally {
    files.close();
  }
}

/** Whether no message names a file any more. */
export function isEmpty(queue: QueueAddress): boolean {
  return (queueState(queue)?.messages ?? 0) === 0;
}

/**
 * The files of the manager and the master. Where the other processes become another user they could not be read there, and
 * a value that needs one is refused.
 */
export function openUpperFiles(
  options: Pick<ResolvedOptions, 'user' | 'group' | 'chroot'>,
  path: string,
): LargeValueFiles {
  const { user, group, chroot } = options;
  const isOther = user !== undefined || group !== undefined || chroot !== undefined;
  return new (isOther ? NoFiles : LargeValueFiles)(path, writerOf(process.pid), userIdOf({ user }));
}

class NoFiles extends LargeValueFiles {
  override write(_bytes: Uint8Array, start: number, end: number): never {
    throw new TaskError(
      'ERR_MILLRACE_TASK_TMPDIR',
      `A task's value of ${end - start} bytes does not fit into a message, and the manager and the master write no file of it ` +
        "where 'user', 'group' or 'chroot' are set: task workers could not read it. Ask for the task in a worker or a user process.",
    );
  }
}
