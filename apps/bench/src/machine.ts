import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  /** GiB. */
  readonly memory: number;
  readonly arch: string;
  readonly kernel: string;
  /** Processes that wanted a processor over the last minute, before the start: other work lowers every figure. */
  readonly load: number;
  readonly command: string;
}

const GIB = 2 ** 30;

export function describeMachine(command: string): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model ?? 'unknown',
    cpus: cpus().length,
    memory: Math.round((totalmem() / GIB) * 10) / 10,
    arch: arch(),
    kernel: release(),
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    command,
  };
}

/** The processors that this process may run on. */
export function allowedCpus(): number[] {
  const list = /Cpus_allowed_list:\s+(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
