import { statSync } from 'node:fs';
import { SystemCallArgumentError } from './errors.js';

/** A System V key made of a file that exists and a project number, as ftok(3) makes it. */
export interface SystemVPath {
  readonly path: string;
  /** From 1 to 255. Default 1. */
  readonly project?: number;
}

/** Which object of System V: a key, or a file of which `ftok` makes one. */
export type SystemVKey = number | SystemVPath;

const MAX_PROJECT = 255;

/**
 * The System V key of a file and a project number, a signed integer as libc's `ftok` makes it, glibc's and musl's alike: 8 bits of
 * the project, 8 of the device, 16 of the inode. Two files may have the same key; a file that is made anew has another.
 * Throws `ERR_MILLRACE_ARGUMENT`, and what `stat` throws when the file is not there.
 */
export function ftok(path: string, project = 1): number {
  if (!Number.isInteger(project) || project < 1 || project > MAX_PROJECT)
    throw new SystemCallArgumentError('ftok', 'project', `an integer from 1 to ${MAX_PROJECT}`, project);
  if (path.includes('\0')) throw new SystemCallArgumentError('ftok', 'path', 'a path without a NUL', path);
  const { dev, ino } = statSync(path, { bigint: true });
  return (project << 24) | (Number(dev & 0xffn) << 16) | Number(ino & 0xffffn);
}
