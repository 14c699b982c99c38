import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** One letter as `ps` shows it: R, S, D, T, Z. */
  readonly state: string;
  /** What `ps` shows as the command. */
  readonly title: string;
}

/** What /proc says of `pid`, or undefined when there is no such process. */
export function processInfo(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { pid, parent: Number(parent), state: state as string, title };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Whether `pid` is there and not a zombie. */
export function isRunning(pid: number): boolean {
  const info = processInfo(pid);
  return info !== undefined && info.state !== 'Z';
}

/** All processes below `root`, children before grandchildren. */
export function descendants(root: number): ProcessInfo[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processInfo(Number(name)))
    .filter((info) => info !== undefined);
  const found: ProcessInfo[] = [];
  let parents = [root];
  while (parents.length > 0) {
    const level = all.filter((info) => parents.includes(info.parent));
    found.push(...level);
    parents = level.map((info) => info.pid);
  }
  return found;
}

/** How many descriptors `pid` has open. */
export function openDescriptors(pid: number | 'self'): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
