import { statSync } from 'node:fs';
import { QueueError } from '../errors.js';

/**
 * The System V key of a file and a project number from 1 to 255, as libc's `ftok` makes it: 8 bits of the project, 8
 * of the device, 16 of the inode. Two files may have the same key; a file that is made anew has another.
 */
export function ftok(path: string, project: number): number {
  if (!(Number.isInteger(project) && project >= 1 && project <= 255)) {
    throw new QueueError(
      'ERR_MILLRACE_QUEUE_ARGUMENT',
      `A project must be an integer from 1 to 255, not ${project}.`,
    );
  }
  let file: { dev: bigint; ino: bigint };
  try {
    file = statSync(path, { bigint: true });
  } catch (cause) {
    throw new QueueError(
      'ERR_MILLRACE_QUEUE_ARGUMENT',
      `The key of a System V queue cannot be made of ${path}: the file must exist and be accessible.`,
      { cause },
    );
  }
  return (project << 24) | (Number(file.dev & 0xffn) << 16) | Number(file.ino & 0xffffn);
}
