import { readdirSync, readFileSync } from 'node:fs';

/** Fields of /proc/PID/stat behind the name, which ends with the last parenthesis: `state` is the first. */
const PARENT = 1;
const USER = 11;
const SYSTEM = 12;
const STARTED = 19;
/** The kernel counts in hundredths of a second. */
const TICKS_PER_SECOND = 100;

export interface ProcessTime {
  readonly pid: number;
  readonly parent: number;
  /** Processor time so far. */
  readonly seconds: number;
  /** When it was started, in ticks: with the pid it names a process for good. */
  readonly started: number;
}

/** `root` and all its descendants, parents before their children. */
export function processTree(root: number): ProcessTime[] {
  const processes = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? read(Number(name)) : []));
  const tree: ProcessTime[] = [];
  let generation = processes.filter(({ pid }) => pid === root);
  while (generation.length > 0) {
    tree.push(...generation);
    const pids = new Set(generation.map(({ pid }) => pid));
    generation = processes.filter(({ parent }) => pids.has(parent));
  }
  return tree;
}

/** Processor time that `root` and all its descendants have used so far, in seconds. */
export function treeTime(root: number): number {
  return processTree(root).reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Kills those of `processes` that still run. */
export function killLeft(processes: readonly ProcessTime[]): void {
  for (const { pid, started } of processes) {
    if (read(pid)[0]?.started !== started) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Resident memory of one process, in bytes. */
export function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** How many descriptors `pid` has open. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** What `ps` shows as its command; empty when it has ended. */
export function titleOf(pid: number): string {
  return readOf(pid, 'cmdline')?.replaceAll('\0', ' ').trim() ?? '';
}

/** Undefined when the process has ended meanwhile. */
function readOf(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Nothing when the process has ended meanwhile. */
function read(pid: number): ProcessTime[] {
  const stat = readOf(pid, 'stat');
  if (stat === undefined) return [];
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const seconds = (Number(fields[USER]) + Number(fields[SYSTEM])) / TICKS_PER_SECOND;
  return [{ pid, parent: Number(fields[PARENT]), seconds, started: Number(fields[STARTED]) }];
}
