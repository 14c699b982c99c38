import { readFileSync } from 'node:fs';
import type { SystemLimit } from '../errors.js';

/** Limits of POSIX queues. A value is undefined where this process cannot read it. */
export interface PosixLimits {
  /** Most messages that a queue can be made for, without CAP_SYS_RESOURCE. Linux's default: 10. */
  readonly maxMessages: SystemLimit;
  /** Largest message in bytes that a queue can be made for, without CAP_SYS_RESOURCE. Linux's default: 8,192. */
  readonly messageSize: SystemLimit;
  /** Queues in this IPC namespace. Linux's default: 256. */
  readonly queues: SystemLimit;
  /** Bytes of all queues that this user has made; a queue counts with all that it could hold. Default: 819,200. */
  readonly bytes: SystemLimit;
}

/** Limits of System V queues. A value is undefined where this process cannot read it. */
export interface SystemVLimits {
  /** Largest message in bytes. Linux's default: 8,192. */
  readonly messageSize: SystemLimit;
  /** Bytes that a queue holds, unless a privileged process has set another capacity. Linux's default: 16,384. */
  readonly capacity: SystemLimit;
  /** Queues in this IPC namespace. Linux's default: 32,000. */
  readonly queues: SystemLimit;
}

export function readPosixLimits(): PosixLimits {
  return {
    maxMessages: sysctl('fs.mqueue.msg_max'),
    messageSize: sysctl('fs.mqueue.msgsize_max'),
    queues: sysctl('fs.mqueue.queues_max'),
    bytes: { name: 'RLIMIT_MSGQUEUE', value: messageQueueBytes() },
  };
}

export function readSystemVLimits(): SystemVLimits {
  return {
    messageSize: sysctl('kernel.msgmax'),
    capacity: sysctl('kernel.msgmnb'),
    queues: sysctl('kernel.msgmni'),
  };
}

/** What an operator needs to know of a limit: its name, its value, and what changes it. */
export function explain({ name, value }: SystemLimit): string {
  const is = value === undefined ? `${name} cannot be read here` : `${name} is ${value}`;
  const change =
    name === 'RLIMIT_MSGQUEUE'
      ? 'ulimit -q <bytes> (systemd: LimitMSGQUEUE=<bytes>)'
      : `sysctl -w ${name}=<n> (to keep it: /etc/sysctl.d)`;
  return `${is}; to change it: ${change}`;
}

function sysctl(name: string): SystemLimit {
  const text = read(`/proc/sys/${name.replaceAll('.', '/')}`);
  return { name, value: text === undefined ? undefined : Number.parseInt(text, 10) };
}

function messageQueueBytes(): number | undefined {
  const soft = read('/proc/self/limits')?.match(/^Max msgqueue size\s+(\S+)/m)?.[1];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number.parseInt(soft, 10);
}

/** /proc may be absent or closed to this process, which costs no more than the number in an error message. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
