import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';

/** What this machine lets a process have, as far as the kernel tells; undefined: it does not, or there is no limit. */
export interface Machine {
  readonly node: string;
  /** By `ulimit`: what the process has, and what it may raise that to, which Node does at its start. */
  readonly openFiles: { readonly soft: number; readonly hard: number };
  readonly somaxconn: number | undefined;
  readonly synBacklog: number | undefined;
  readonly synCookies: number | undefined;
  /** 2: the kernel promises no memory that it does not have. */
  readonly overcommit: number | undefined;
  /** Bytes that a queue of System V holds; messages that a POSIX queue holds. */
  readonly systemVQueueBytes: number | undefined;
  readonly posixQueueMessages: number | undefined;
  readonly hidesProcesses: boolean;
  readonly memory: number;
  readonly memoryLimit: number | undefined;
  readonly processLimit: number | undefined;
  /** Processors that the control group may use at once, by its quota. */
  readonly quota: number | undefined;
  /** By which Node counts, and servers choose how many workers they have. */
  readonly processors: number;
}

/** Reads it; `pid`: of a process whose limits they are. `root`: another directory in the place of `/`, for tests. */
export function readMachine(pid: number | 'self' = 'self', root = '/'): Machine {
  const text = (path: string) => {
    try {
      return readFileSync(join(root, path), 'utf8');
    } catch {
      // Not of this kernel, or not for this user: what is not told is not judged.
      return undefined;
    }
  };
  const number = (path: string) => asNumber(text(path)?.trim());
  const group = groupOf(text(`proc/${pid}/cgroup`));
  const inGroup = (file: string) =>
    group === undefined
      ? undefined
      : (text(join('sys/fs/cgroup', group, file)) ?? text(`sys/fs/cgroup/${file}`));
  const [, soft, hard] = /^Max open files +(\S+) +(\S+)/m.exec(text(`proc/${pid}/limits`) ?? '') ?? [];
  const [quota, period] = inGroup('cpu.max')?.trim().split(' ').map(asNumber) ?? [];
  return {
    node: process.version,
    openFiles: { soft: asLimit(soft), hard: asLimit(hard) },
    somaxconn: number('proc/sys/net/core/somaxconn'),
    synBacklog: number('proc/sys/net/ipv4/tcp_max_syn_backlog'),
    synCookies: number('proc/sys/net/ipv4/tcp_syncookies'),
    overcommit: number('proc/sys/vm/overcommit_memory'),
    systemVQueueBytes: number('proc/sys/kernel/msgmnb'),
    posixQueueMessages: number('proc/sys/fs/mqueue/msg_max'),
    hidesProcesses: / \/proc proc \S*\bhidepid=(?!0|off)\w+/.test(text('proc/mounts') ?? ''),
    memory: totalmem(),
    memoryLimit: asNumber(inGroup('memory.max')?.trim()),
    processLimit: asNumber(inGroup('pids.max')?.trim()),
    quota: quota === undefined || period === undefined ? undefined : quota / period,
    processors: availableParallelism(),
  };
}

/** Of the second version of control groups; the first has its limits elsewhere, and is not read. */
const groupOf = (text: string | undefined) => /^0::(\/.*)$/m.exec(text ?? '')?.[1];

function asNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

const asLimit = (text: string | undefined) => asNumber(text) ?? Number.POSITIVE_INFINITY;
