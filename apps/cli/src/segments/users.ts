import { readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';

/**
 * Which processes have a file open or mapped, by what /proc tells. Those of other users cannot be looked into, unless root asks: none of them
 * may open what is for its owner alone.
 */
export class FileUsers {
  readonly #byFile = new Map<string, Set<number>>();

  constructor() {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const pid = Number(entry);
      for (const file of [...mapped(pid), ...opened(pid)]) {
        const pids = this.#byFile.get(file) ?? new Set();
        this.#byFile.set(file, pids.add(pid));
      }
    }
  }

  of(status: Pick<Stats, 'dev' | 'ino'>): number[] {
    return [...(this.#byFile.get(fileOf(status)) ?? [])].sort((a, b) => a - b);
  }
}

/** As the kernel writes it in `maps`: the device as two numbers in hexadecimal, and the inode. */
function fileOf({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string {
  const major = Math.floor(dev / 256) % 4_096;
  const minor = (dev % 256) + Math.floor(dev / 2 ** 20) * 256;
  const hexadecimal = (number: number) => number.toString(16).padStart(2, '0');
  return `${hexadecimal(major)}:${hexadecimal(minor)} ${ino}`;
}

/** `address permissions offset device inode path`, a line each. */
function mapped(pid: number): string[] {
  const text = unless(() => readFileSync(`/proc/${pid}/maps`, 'utf8')) ?? '';
  return text.split('\n').flatMap((line) => {
    const [, , , device, inode] = line.split(/\s+/);
    return device === undefined || inode === '0' ? [] : [`${device} ${inode}`];
  });
}

function opened(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  const fds = unless(() => readdirSync(directory)) ?? [];
  return fds.flatMap((fd) => {
    // Only files have names that begin so; nothing is asked of what hangs in the network.
    const isFile = unless(() => readlinkSync(`${directory}/${fd}`))?.startsWith('/') === true;
    const status = isFile ? unless(() => statSync(`${directory}/${fd}`)) : undefined;
    return status === undefined ? [] : [fileOf(status)];
  });
}

/** What has ended meanwhile, or is another user's, tells nothing. */
function unless<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}
