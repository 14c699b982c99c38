import { SystemCallArgumentError, type SystemVPath } from '@millrace/native';
import { ftok } from '@millrace/native/internal';
import { SharedMemoryError } from '../errors.js';

/** A key of System V, from 1 to 4294967295: what `ipcs -m` shows. */
export interface SegmentKey {
  readonly key: number;
}

/** A POSIX name such as '/visits' (the file /dev/shm/visits), or a System V key, as a number or of a file. */
export type SegmentName = string | SegmentKey | SystemVPath;

const MAX_NAME = 254;
const MAX_KEY = 2 ** 32 - 1;

/** Returns the name of a POSIX segment without its slash. Throws `ERR_MILLRACE_SEGMENT_NAME`. */
export function posixName(name: string): string {
  const file = name.slice(1);
  const good = name.startsWith('/') && !/[/\0]/.test(file) && file !== '' && file !== '.' && file !== '..';
  if (good && Buffer.byteLength(file) <= MAX_NAME) return file;
  throw new SharedMemoryError(
    'ERR_MILLRACE_SEGMENT_NAME',
    `${JSON.stringify(name)} cannot name a segment: a slash and 1 to ${MAX_NAME} bytes without another slash are needed.`,
  );
}

/** The key that a System V name stands for. Throws `ERR_MILLRACE_SEGMENT_NAME`, or when the file is not there. */
export function systemVKey(name: SegmentKey | SystemVPath): number {
  if ('key' in name) {
    if (Number.isInteger(name.key) && name.key >= 1 && name.key <= MAX_KEY) return name.key;
    throw new SharedMemoryError(
      'ERR_MILLRACE_SEGMENT_NAME',
      `${name.key} is no key of a segment: it must be an integer from 1 to ${MAX_KEY}.`,
    );
  }
  try {
    return ftok(name.path, name.project) >>> 0;
  } catch (cause) {
    if (!(cause instanceof SystemCallArgumentError)) throw cause;
    throw new SharedMemoryError(
      'ERR_MILLRACE_SEGMENT_NAME',
      `No key of a segment can be made of a path: ${cause.message}`,
      { cause, value: cause.value },
    );
  }
}

/** For messages. */
export function labelOf(name: SegmentName | undefined): string {
  if (name === undefined) return '(anonymous)';
  if (typeof name === 'string') return name;
  return 'key' in name ? `key 0x${name.key.toString(16)}` : `path ${name.path}, project ${name.project ?? 1}`;
}
