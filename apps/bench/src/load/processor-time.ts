import { readdirSync, readFileSync } from 'node:fs';

/** Fields of /proc/PID/stat behind the name, which ends with the last parenthesis: `state` is the first. */
const PARENT = 1;
const USER = 11;
const SYSTEM = 12;
/** The kernel counts in hundredths of a second. */
const TICKS_PER_SECOND = 100;

interface ProcessTime {
  readonly pid: number;
  readonly parent: number;
  readonly seconds: number;
}

/** Processor time that `root` and all its descendants have used so far, in seconds. */
export function treeTime(root: number): number {
  const processes = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? read(Number(name)) : []));
  let seconds = 0;
  let generation = processes.filter(({ pid }) => pid === root);
  while (generation.length > 0) {
    for (const process of generation) seconds += process.seconds;
    const pids = new Set(generation.map(({ pid }) => pid));
    generation = processes.filter(({ parent }) => pids.has(parent));
  }
  return seconds;
}

/** Resident memory of one process, in bytes. */
export function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** Nothing when the process has ended meanwhile. */
function read(pid: number): ProcessTime[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const seconds = (Number(fields[USER]) + Number(fields[SYSTEM])) / TICKS_PER_SECOND;
    return [{ pid, parent: Number(fields[PARENT]), seconds }];
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
