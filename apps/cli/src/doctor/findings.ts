import { bytes, counted, grouped } from '../admin/format.js';
import type { Machine } from './machine.js';

/** What a server is to have; of one that runs, what it has. */
export interface Wanted {
  readonly connections: number;
  /** Processes, but for the master; undefined: as many as a start makes without options. */
  readonly processes: number | undefined;
  readonly isRoot: boolean;
  /** The queue of the system that its tasks travel in. */
  readonly taskQueue?: 'sysv' | 'posix' | undefined;
}

/** What will hurt. */
export interface Finding {
  readonly id: string;
  readonly what: string;
  readonly why: string;
  /** The command, or the setting, that mends it. */
  readonly mend: string;
}

/** What a server takes without options. */
export const DEFAULT_CONNECTIONS = 10_000;
/** Descriptors that a master keeps back, and has besides its clients. */
const KEPT_BACK = 64;
/** Connections that the kernel is asked to complete ahead of accept: of Millrace's own listeners; Node asks for 511. */
const BACKLOG = 512;
/** Threads of a process of Node, as the kernel counts them: its own, V8's and libuv's. */
const THREADS = 11;
/** The master, the manager, the admin process, and two that wait to take the place of another. */
const OTHER_PROCESSES = 5;
/** Bytes that a process of Node has before it does anything, and some for the program. */
const PROCESS_BYTES = 96 << 20;
/** What a queue of the system is to hold, so that a burst of tasks does not wait for room in it. */
const QUEUE_BYTES = 1 << 20;
const QUEUE_MESSAGES = 100;
const NODE = [20, 19] as const;

/** What of the machine will hurt a server that is to have that much. */
export function findingsOf(
  machine: Machine,
  { connections, processes, isRoot, taskQueue }: Wanted,
): Finding[] {
  const count = processes ?? machine.processors + OTHER_PROCESSES;
  const files = connections + KEPT_BACK;
  const need = count * PROCESS_BYTES;
  const threads = count * THREADS;
  const memory = Math.min(machine.memory, machine.memoryLimit ?? Number.POSITIVE_INFINITY);
  const [major = 0, minor = 0] = machine.node.slice(1).split('.').map(Number);
  const found: (Finding | false)[] = [
    (major < NODE[0] || (major === NODE[0] && minor < NODE[1])) && {
      id: 'node',
      what: `Node is ${machine.node}.`,
      why: `Millrace needs ${NODE.join('.')} or newer.`,
      mend: 'npx n 24',
    },
    machine.openFiles.hard < files && {
      id: 'open-files',
      what: `A process may have ${grouped(machine.openFiles.hard)} open files.`,
      why: `${grouped(connections)} clients are one each in the master, which keeps ${KEPT_BACK} back: those beyond are turned away.`,
      mend: `ulimit -n ${files}   # LimitNOFILE=${files} in a unit, --ulimit nofile=${files} in Docker`,
    },
    isBelow(machine.somaxconn, BACKLOG) && {
      id: 'somaxconn',
      what: `net.core.somaxconn is ${machine.somaxconn}.`,
      why: `No more connections wait to be accepted, where listeners ask for ${BACKLOG}: clients that come at once are dropped, and try again after a second.`,
      mend: `sysctl -w net.core.somaxconn=4096`,
    },
    machine.synCookies === 0 &&
      isBelow(machine.synBacklog, BACKLOG) && {
        id: 'syn-backlog',
        what: `net.ipv4.tcp_max_syn_backlog is ${machine.synBacklog}, and there are no SYN cookies.`,
        why: 'Clients that come at once are dropped before they are connected.',
        mend: 'sysctl -w net.ipv4.tcp_syncookies=1',
      },
    machine.overcommit === 2 && {
      id: 'overcommit',
      what: 'vm.overcommit_memory is 2.',
      why: 'Node reserves more address space for each process than it uses: processes fail to start with memory left.',
      mend: 'sysctl -w vm.overcommit_memory=0',
    },
    taskQueue === 'sysv' &&
      isBelow(machine.systemVQueueBytes, QUEUE_BYTES) && {
        id: 'msgmnb',
        what: `A System V queue holds ${grouped(machine.systemVQueueBytes ?? 0)} bytes.`,
        why: "Tasks travel in one ('system-v-queue'): two of the largest values fill it, and tasks beyond wait in the workers.",
        mend: `sysctl -w kernel.msgmnb=${QUEUE_BYTES}   # before the start that makes the queue`,
      },
    taskQueue === 'posix' &&
      isBelow(machine.posixQueueMessages, QUEUE_MESSAGES) && {
        id: 'mqueue',
        what: `A POSIX queue holds ${machine.posixQueueMessages} messages.`,
        why: "Tasks travel in one ('posix-queue'): those beyond wait in the workers, and other programs find it full.",
        mend: `sysctl -w fs.mqueue.msg_max=${QUEUE_MESSAGES} fs.mqueue.msg_default=${QUEUE_MESSAGES}; ulimit -q ${QUEUE_MESSAGES * 8_320}   # LimitMSGQUEUE= in a unit; before the start that makes the queue`,
      },
    machine.hidesProcesses &&
      !isRoot && {
        id: 'hidepid',
        what: '/proc is mounted with hidepid.',
        why: 'A server with the option user tells neither memory nor processor time of its master and manager, and locks of other users count as held.',
        mend: 'mount -o remount,hidepid=0 /proc',
      },
    memory < need && {
      id: 'memory',
      what: `There are ${bytes(memory)} of memory${machine.memoryLimit === memory ? ' for this control group' : ''}.`,
      why: `${counted(count, 'process', 'processes')} need ${bytes(need)} before a program needs any: the kernel kills some of them.`,
      mend: `millrace start --workers ${Math.max(1, Math.floor(memory / PROCESS_BYTES) - OTHER_PROCESSES)} …   # or more memory`,
    },
    isBelow(machine.processLimit, threads) && {
      id: 'processes',
      what: `This control group may have ${machine.processLimit} processes and threads.`,
      why: `${count} processes of Node have ${threads} threads: some do not start.`,
      mend: `TasksMax=${threads * 2} in a unit, --pids-limit ${threads * 2} in Docker`,
    },
    processes === undefined &&
      machine.quota !== undefined &&
      Math.ceil(machine.quota) < machine.processors && {
        id: 'processors',
        what: `This control group may use ${machine.quota} processors of ${machine.processors}.`,
        why: `A start without --workers makes ${machine.processors}, which wait for each other.`,
        mend: `millrace start --workers ${Math.max(1, Math.ceil(machine.quota))} …`,
      },
  ];
  return found.filter((finding) => finding !== false);
}

const isBelow = (value: number | undefined, least: number) => value !== undefined && value < least;
