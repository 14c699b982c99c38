import { readFileSync } from 'node:fs';
import { CLOCK_TICKS_PER_SECOND } from '@millrace/native/internal';

/** Milliseconds between two measurements of processor time, which the kernel counts in hundredths of a second. */
const MEASURED_EVERY_MS = 500;
// Behind the name of the process, which may hold anything, in /proc/PID/stat.
const STATE_FIELD = 0;
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;
const START_FIELD = 19;
const RESIDENT_FIELD = 21;

/** What the kernel tells of a process. */
export interface ProcessUsage {
  /** A signal or a debugger has stopped it. */
  readonly stopped: boolean;
  /** Milliseconds since it was started. */
  readonly uptimeMs: number;
  /** Resident memory in bytes. */
  readonly memory: number;
  /** Milliseconds of processor time since its start. */
  readonly cpuMs: number;
  /** The share of one processor that it has had lately, in percent; of several threads it may be more than 100. */
  readonly cpuPercent: number;
}

interface Measured {
  readonly start: number;
  readonly cpuMs: number;
  readonly at: number;
  readonly percent: number;
}

/** Reads what processes take from /proc: none of them is asked. */
export class ProcessUsages {
  readonly #pageBytes = pageBytes();
  readonly #measured = new Map<number, Measured>();

  /** Undefined where there is no such process, or none that this one may see. */
  of(pid: number): ProcessUsage | undefined {
    const fields = readStat(pid);
    if (fields === undefined || fields[STATE_FIELD] === 'Z') return undefined;
    const number = (field: number) => Number(fields[field]);
    const cpuMs = ((number(USER_FIELD) + number(SYSTEM_FIELD)) * 1_000) / CLOCK_TICKS_PER_SECOND;
    const start = number(START_FIELD);
    const uptimeMs = Math.max(0, machineUptimeMs() - (start * 1_000) / CLOCK_TICKS_PER_SECOND);
    return {
      stopped: /^[Tt]$/.test(fields[STATE_FIELD] as string),
      uptimeMs: Math.round(uptimeMs),
      memory: number(RESIDENT_FIELD) * this.#pageBytes,
      cpuMs: Math.round(cpuMs),
      cpuPercent: Math.round(this.#percent(pid, start, cpuMs, uptimeMs) * 10) / 10,
    };
  }

  /** Forgets the processes that are not among these. */
  keep(pids: ReadonlySet<number>): void {
    for (const pid of this.#measured.keys()) if (!pids.has(pid)) this.#measured.delete(pid);
  }

  #percent(pid: number, start: number, cpuMs: number, uptimeMs: number): number {
    const now = performance.now();
    const last = this.#measured.get(pid);
    // Of the first measurement it is that of its whole life.
    const percent =
      last === undefined || last.start !== start
        ? (cpuMs / Math.max(uptimeMs, 1)) * 100
        : now - last.at < MEASURED_EVERY_MS
          ? last.percent
          : ((cpuMs - last.cpuMs) / (now - last.at)) * 100;
    if (last === undefined || last.start !== start || now - last.at >= MEASURED_EVERY_MS)
      this.#measured.set(pid, { start, cpuMs, at: now, percent });
    return percent;
  }
}

/** As the kernel counts it: time in which the machine sleeps is in it, as it is in the start of processes. */
function machineUptimeMs(): number {
  const [seconds] = readFileSync('/proc/uptime', 'latin1').split(' ');
  return Number(seconds) * 1_000;
}

function readStat(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    // EPERM and EACCES: processes of other users are hidden.
    if (['ENOENT', 'ESRCH', 'EPERM', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}

/** Both tell the same memory, in pages and in bytes; what changes in between is less than the difference of two page sizes. */
function pageBytes(): number {
  const resident = Number(readStat(process.pid)?.[RESIDENT_FIELD]);
  const bytes = process.memoryUsage.rss();
  return 2 ** Math.round(Math.log2(bytes / resident));
}
