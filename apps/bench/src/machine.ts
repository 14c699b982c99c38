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
