import { readFileSync } from 'node:fs';
import { CLOCK_TICKS_PER_SECOND, processStat } from '@millrace/native/internal';

/** Milliseconds between two measurements of processor time, which the kernel counts in hundredths of a second. */
const MEASURED_EVERY_MS = 500;

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
    const stat = processStat(pid);
    if (stat === undefined || stat.state === 'Z') return undefined;
    const { state, start, processorTicks, residentPages } = stat;
    const cpuMs = (processorTicks * 1_000) / CLOCK_TICKS_PER_SECOND;
    const uptimeMs = Math.max(0, machineUptimeMs() - (start * 1_000) / CLOCK_TICKS_PER_SECOND);
    return {
      stopped: /^[Tt]$/.test(state),
      uptimeMs: Math.round(uptimeMs),
      memory: residentPages * this.#pageBytes,
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

/** Both tell the same memory, in pages and in bytes; what changes in between is less than the difference of two page sizes. */
function pageBytes(): number {
  const resident = processStat(process.pid)?.residentPages ?? 0;
  const bytes = process.memoryUsage.rss();
  return 2 ** Math.round(Math.log2(bytes / resident));
}
