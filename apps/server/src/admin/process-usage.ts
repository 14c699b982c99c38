import { uptime } from 'node:os';
import { CLOCK_TICKS_PER_SECOND, ProcessStatFile, processStat } from '@millrace/native/internal';

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

/** A process that is looked at again and again. */
interface Watched {
  readonly file: ProcessStatFile;
  /** When its share was measured last, and what that was; of the first measurement it is that of its whole life. */
  at: number;
  cpuMs: number;
  percent: number;
}

/** Reads what processes take from /proc: none of them is asked. */
export class ProcessUsages {
  readonly #pageBytes = pageBytes();
  readonly #watched = new Map<number, Watched>();

  /** Undefined where there is no such process, or none that this one may see; `machineMs`: see {@link machineUptimeMs}. */
  of(pid: number, machineMs: number): ProcessUsage | undefined {
    const known = this.#watched.get(pid);
    const file = known?.file ?? ProcessStatFile.open(pid);
    const stat = file?.read();
    if (file === undefined || stat === undefined || stat.state === 'Z') {
      // The next process of that pid has a file of its own.
      file?.close();
      this.#watched.delete(pid);
      // What had the pid has ended: there may be a successor by now.
      return known === undefined ? undefined : this.of(pid, machineMs);
    }
    const { state, start, processorTicks, residentPages } = stat;
    const cpuMs = (processorTicks * 1_000) / CLOCK_TICKS_PER_SECOND;
    const uptimeMs = Math.max(0, machineMs - (start * 1_000) / CLOCK_TICKS_PER_SECOND);
    const watched = known ?? {
      file,
      at: performance.now(),
      cpuMs,
      percent: (cpuMs / Math.max(uptimeMs, 1)) * 100,
    };
    if (known === undefined) this.#watched.set(pid, watched);
    measure(watched, cpuMs);
    return {
      stopped: state === 'T' || state === 't',
      uptimeMs: Math.round(uptimeMs),
      memory: residentPages * this.#pageBytes,
      cpuMs: Math.round(cpuMs),
      cpuPercent: Math.round(watched.percent * 10) / 10,
    };
  }

  /** Forgets the processes that are not among these. */
  keep(pids: ReadonlySet<number>): void {
    for (const [pid, { file }] of this.#watched) {
      if (pids.has(pid)) continue;
      file.close();
      this.#watched.delete(pid);
    }
  }
}

function measure(watched: Watched, cpuMs: number): void {
  const now = performance.now();
  if (now - watched.at < MEASURED_EVERY_MS) return;
  watched.percent = ((cpuMs - watched.cpuMs) / (now - watched.at)) * 100;
  watched.cpuMs = cpuMs;
  watched.at = now;
}

/** As the kernel counts it: time in which the machine sleeps is in it, as it is in the start of processes. */
export function machineUptimeMs(): number {
  return uptime() * 1_000;
}

/** Both tell the same memory, in pages and in bytes; what changes in between is less than the difference of two page sizes. */
function pageBytes(): number {
  const resident = processStat(process.pid)?.residentPages ?? 0;
  const bytes = process.memoryUsage.rss();
  return 2 ** Math.round(Math.log2(bytes / resident));
}
