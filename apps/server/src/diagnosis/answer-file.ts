import { randomBytes } from 'node:crypto';
import { constants, fchmodSync, openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The descriptor of the file that processes answer in, where there is an admin process to read it. */
export const ANSWER_FILE = 'diagnosis.answer';

/** Of Linux: a file without a name. Node has no name for it. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** A container may have a root that cannot be written. */
const DIRECTORIES = [tmpdir(), '/dev/shm'];

/**
 * A file without a name, in which a process writes a profile or a heap snapshot: all processes have it open, whatever user they are, and it
 * ends with them. Not memory where that can be had, since a snapshot is as large as the heap. One profile at a time is taken of a server, so one
 * file does. Returns why there is none where no directory takes one: a server has to start all the same.
 */
export function openAnswerFile(directories: readonly string[] = DIRECTORIES): number | Error {
  let reason = new Error('there is no directory for a file');
  for (const directory of directories)
    try {
      const fd = openNameless(directory);
      // Also for processes of another user, which open it again by /proc: without a name nothing else comes to it.
      fchmodSync(fd, 0o666);
      return fd;
    } catch (error) {
      reason = error as Error;
    }
  return reason;
}

function openNameless(directory: string): number {
  try {
    return openSync(directory, O_TMPFILE | constants.O_RDWR, 0o600);
  } catch (error) {
    // ENOTSUP and EISDIR: the file system, or the kernel, has no such files.
    if (!['ENOTSUP', 'EOPNOTSUPP', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
    const path = join(directory, `millrace-${randomBytes(12).toString('hex')}`);
    const fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    return fd;
  }
}
