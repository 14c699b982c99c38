import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';

/**
 * A command that runs the one behind it with a file system of `kib` KiB at `directory`, which only that program and its
 * children see; others reach it as `/proc/PID/root/…`. It needs no rights where the kernel gives out user namespaces.
 */
export function onSmallDisk(directory: string, kib: number): readonly string[] {
  const script = `mount -t tmpfs -o size=${kib}k none "$0" && exec "$@"`;
  return ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script, directory];
}

/** Why {@link onSmallDisk} cannot work here; undefined where it can. */
export function whyNoSmallDisk(): string | undefined {
  const [command = '', ...args] = onSmallDisk(tmpdir(), 64);
  const { status, error, stderr } = spawnSync(command, [...args, 'true'], { encoding: 'utf8' });
  if (status === 0) return undefined;
  return `no file system can be mounted in a user namespace: ${error?.message ?? stderr.trim()}`;
}

/** Fills a small disk by a new file on it, but for so many bytes, whole pages of them. */
export function fillDisk(filler: string, left: number): void {
  const page = Buffer.alloc(4_096, 1);
  const fd = openSync(filler, 'wx');
  let length = 0;
  try {
    for (;;) length += writeSync(fd, page);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    ftruncateSync(fd, length - left);
  } finally {
    closeSync(fd);
  }
}
