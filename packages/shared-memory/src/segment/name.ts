import { statSync } from 'node:fs';
import { SharedMemoryError } from '../errors.js';

/** A key of System V, from 1 to 4294967295: what `ipcs -m` shows. */
export interface SystemVKey {
  readonly key: number;
}

/** A key of System V made of a file that exists and a number from 1 to 255, as ftok(3) does. */
export interface SystemVPath {
  readonly path: string;
  /** Default 1. */
  readonly project?: number;
}

/** A POSIX name such as '/visits' (the file /dev/shm/visits), or a System V key. */
export type SegmentName = string | SystemVKey | SystemVPath;

const MAX_NAME = 254;
const MAX_KEY = 2 ** 32 - 1;
const MAX_PROJECT = 255;

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
export function systemVKey(name: SystemVKey | SystemVPath): number {
  if ('key' in name) {
    if (Number.isInteger(name.key) && name.key >= 1 && name.key <= MAX_KEY) return name.key;
    throw new SharedMemoryError(
      'ERR_MILLRACE_SEGMENT_NAME',
      `${name.key} is no key of a segment: it must be an integer from 1 to ${MAX_KEY}.`,
    );
  }
  const { path, project = 1 } = name;
  if (!Number.isInteger(project) || project < 1 || project > MAX_PROJECT) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_SEGMENT_NAME',
      `${project} is no project of a segment's path: it must be an integer from 1 to ${MAX_PROJECT}.`,
    );
  }
  if (path.includes('\0')) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_SEGMENT_NAME',
      `${JSON.stringify(path)} has a NUL in it: no file has such a path.`,
    );
  }
  const { dev, ino } = statSync(path, { bigint: true });
  // glibc's and musl's ftok alike.
  return ((project << 24) | (Number(dev & 0xffn) << 16) | Number(ino & 0xffffn)) >>> 0;
}

/** For messages. */
export function labelOf(name: SegmentName | undefined): string {
  if (name === undefined) return '(anonymous)';
  if (typeof name === 'string') return name;
  return 'key' in name ? `key 0x${name.key.toString(16)}` : `path ${name.path}, project ${name.project ?? 1}`;
}
