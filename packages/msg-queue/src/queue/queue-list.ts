import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statfsSync } from 'node:fs';

/** What statfs calls a mounted mqueue file system. */
const MQUEUE_MAGIC = 0x19800202;
/** Milliseconds that the mount of a moment may take. */
const MOUNT_TIMEOUT_MS = 10_000;

/**
 * The names of the POSIX queues of this IPC namespace. The kernel tells them only through its mqueue file system: one that is
 * mounted anywhere is read; else one is mounted for a moment in a namespace of this process alone, which root alone may do. Undefined
 * where neither can be had.
 */
export function listPosixQueues(directory: string | undefined): string[] | undefined {
  if (directory !== undefined) return namesIn(directory);
  for (const mounted of mountPoints()) {
    const names = namesIn(mounted);
    if (names !== undefined) return names;
  }
  return process.getuid?.() === 0 ? namesInOwnMount() : undefined;
}

function namesIn(directory: string): string[] | undefined {
  try {
    if (statfsSync(directory).type !== MQUEUE_MAGIC) return undefined;
    return readdirSync(directory).map((name) => `/${name}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Where mqueue file systems are mounted: the fifth field of a line; the type is the first behind the dash. */
function mountPoints(): string[] {
  let text: string;
  try {
    text = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    // Without /proc nothing is known of mounts.
    return [];
  }
  const found: string[] = [];
  for (const line of text.split('\n')) {
    const [before, after] = line.split(' - ');
    const at = before?.split(' ')[4];
    if (after?.startsWith('mqueue ') && at !== undefined)
      found.push(
        at.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
      );
  }
  return found;
}

/** In a mount namespace of its own, over a directory that is there on every machine; it ends with the helper. */
function namesInOwnMount(): string[] | undefined {
  const script = `mount -t mqueue none /proc && find /proc -mindepth 1 -maxdepth 1 -printf '%f\\0'`;
  const { status, stdout } = spawnSync(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', script],
    {
      encoding: 'utf8',
      timeout: MOUNT_TIMEOUT_MS,
    },
  );
  // No util-linux, or root without the right to mount, as in a container.
  if (status !== 0) return undefined;
  return stdout
    .split('\0')
    .filter((name) => name !== '')
    .map((name) => `/${name}`);
}

/** A System V queue as /proc tells of it. */
export interface SystemVQueueEntry {
  /** 0: a private one. */
  readonly key: number;
  readonly id: number;
  readonly messages: number;
  readonly bytes: number;
  /** The user that it belongs to. */
  readonly uid: number;
}

/** All System V queues of this IPC namespace; undefined without /proc. */
export function listSystemVQueues(): SystemVQueueEntry[] | undefined {
  let text: string;
  try {
    text = readFileSync('/proc/sysvipc/msg', 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const [, ...lines] = text.trimEnd().split('\n');
  return lines.map((line) => {
    const [key, id, , bytes, messages, , , uid] = line.trim().split(/\s+/).map(Number) as number[];
    return { key, id, messages, bytes, uid } as SystemVQueueEntry;
  });
}
