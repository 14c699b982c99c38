import { join } from 'node:path';
import { SpillDirectory } from '@millrace/task-pool';
import type { ResolvedOptions } from './options.js';

type FileOptions = Pick<ResolvedOptions, 'taskTmpdir' | 'chroot'>;

/** What begins the names of the files that a process writes. */
const writerOf = (pid: number) => `process-${pid}`;

/**
 * The files of tasks' values and results that are too large for a message: a directory of this server's in `taskTmpdir`.
 * The master sweeps those of dead servers and removes its own at the end; whoever needs it first makes it, being who it
 * is to belong to. Throws `ERR_MILLRACE_TASK_TMPDIR`.
 */
export function planTaskFiles({ taskTmpdir, chroot }: FileOptions): SpillDirectory {
  return SpillDirectory.plan(chroot === undefined ? taskTmpdir : join(chroot, taskTmpdir), 'server');
}

/** The same directory, in a worker or task worker; `path` is where the master sees it. */
export function openTaskFiles({ taskTmpdir, chroot }: FileOptions, path: string): SpillDirectory {
  const seen = chroot === undefined ? path : join(taskTmpdir, path.slice(join(chroot, taskTmpdir).length));
  return new SpillDirectory(seen, writerOf(process.pid), { made: false });
}

/** Removes what a dead process has written and nobody has read. */
export function removeFilesOf(path: string, pid: number): void {
  new SpillDirectory(path, '').removeOf(writerOf(pid));
}
