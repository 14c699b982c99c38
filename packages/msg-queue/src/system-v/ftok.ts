import { SystemCallArgumentError } from '@millrace/native';
import { ftok as keyOf } from '@millrace/native/internal';
import { QueueError } from '../errors.js';

/**
 * The System V key of a file and a project number from 1 to 255, as libc's `ftok` makes it: 8 bits of the project, 8
 * of the device, 16 of the inode. Two files may have the same key; a file that is made anew has another.
 */
export function ftok(path: string, project: number): number {
  try {
    return keyOf(path, project);
  } catch (cause) {
    const why =
      cause instanceof SystemCallArgumentError ? cause.message : 'the file must exist and be accessible.';
    throw new QueueError(
      'ERR_MILLRACE_QUEUE_ARGUMENT',
      `The key of a System V queue cannot be made of ${JSON.stringify(path)}: ${why}`,
      { cause },
    );
  }
}
