import type { Tasks } from '@millrace/task-pool';
import type { PortOptions } from './port-options.js';
import type { TaskTransportName } from './task-transport.js';

/** Which worker gets a message. docs/options.md says which of them get `connect` and `close`. */
export const DISPATCH_MODES = [
  'fixed',
  'round-robin',
  'idle',
  'ip',
  'uid',
  'least-connections',
  'least-busy',
  'function',
] as const;
export type DispatchMode = (typeof DISPATCH_MODES)[number];

/** Who owns the clients' sockets: reactor threads of the master, or the workers. */
export type ServerMode = 'process' | 'base';

export interface ServerOptions<T extends Tasks = Tasks> extends PortOptions {
  /**
   * `'process'`: reactor threads of the master own the clients' sockets, and a worker's death costs no connection.
   * `'base'`: each worker accepts clients and serves them alone, without a way between; they end with it. Default
   * `'process'`.
   */
  readonly mode?: ServerMode;
  /** Reactor threads. Default: the number of processors, at most 8 and at most `workerNum`. Not in base mode. */
  readonly reactorNum?: number;
  /** Worker processes. Default: the number of processors. */
  readonly workerNum?: number;
  /** Task worker processes. Default 0: no tasks. */
  readonly taskWorkerNum?: number;
  /** The tasks that task workers run, by name. */
  readonly tasks?: T;
  /**
   * How tasks travel between workers and task workers: rings in shared memory, socket pairs, or a message queue of the
   * system, where they outlive the server and other programs may post some. Default `'ring'`.
   */
  readonly taskTransport?: TaskTransportName;
  /** With `taskTransport: 'system-v-queue'`: the queue's key, a 32-bit integer other than 0, as `ipcs -q` shows it. */
  readonly taskQueueKey?: number;
  /** With `taskTransport: 'posix-queue'`: the queue's name, `'/tasks'` for one. */
  readonly taskQueueName?: string;
  /**
   * Users, besides root, this one and `user`, whose queue it may be: whoever has made a queue reads its tasks and gives
   * tasks of its own. Default: none.
   */
  readonly taskQueueTrustedUsers?: readonly number[] | 'any';
  /**
   * Bytes of each ring of tasks, two for each worker and task worker; a power of two. Default: 512 KiB, less where all
   * together would be more than 64 MiB, at least 64 KiB.
   */
  readonly taskRingSize?: number;
  /**
   * `'memory'`: values and results stay in their ring as long as they take no more than a quarter of it, and larger ones
   * go through a file. `'file'`: from 8,192 bytes on, as it always is with `taskTransport: 'pipe'`, and with a queue of the
   * system for the values in it. Default `'memory'`.
   */
  readonly taskLargeValues?: 'memory' | 'file';
  /** An absolute directory for those files; made if it is missing, inside of `chroot`. Default: the system's. */
  readonly taskTmpdir?: string;
  /** Tasks that wait in a worker for a task worker; one more is an error. Default 10,000. */
  readonly taskMaxQueue?: number;

  /** Clients at once, of all stream listeners together; more are turned away. Default 10,000. */
  readonly maxConnections?: number;
  /**
   * Messages of one client that may be on their way to a worker, and in one turn of a reactor; the others wait, and slow
   * the client down, so that no client waits for more of another's. Default 32; 16 with `ipc: 'pipe'`.
   */
  readonly maxClientMessages?: number;
  /** The same in bytes; a longer message goes alone. Default 256 KiB. */
  readonly maxClientBytes?: number;
  /**
   * Bytes that the server may hold for all clients together: messages that have come in part, answers that were not taken,
   * buffers of TLS. Beyond it, the clients that hold most are closed (`'memory'`). Default: an eighth of the memory that
   * there is, of the machine or of its control group, at least 32 MiB.
   */
  readonly maxClientMemory?: number;
  /** Bytes from which on the clients that hold most are not read from. Default: three quarters of `maxClientMemory`. */
  readonly clientMemoryHighWatermark?: number;
  /** Milliseconds after which the largest client is closed where none of those could be let go. Default 10,000. */
  readonly clientMemoryTimeout?: number;
  /**
   * Descriptors that no client gets of those that a process may have open, so that the server can start a manager, and
   * open its log anew, when clients have all others: one more is closed at once. Default 64, at most a quarter of the limit.
   */
  readonly reservedDescriptors?: number;
  /** The first session's id. Default 1. */
  readonly startSessionId?: number;
  /** Which worker gets a message. Default `'fixed'`: all of a session's go to one. Not in base mode. */
  readonly dispatchMode?: DispatchMode;
  /** With `dispatchMode: 'function'`: a module that exports `dispatch`, a {@link Dispatch}; reactor threads run it. */
  readonly dispatchModule?: string | URL;
  /** Whether nothing is read from a new connection before `session.resume()`. Default false. */
  readonly enableDelayReceive?: boolean;
  /**
   * Milliseconds between two looks for idle clients. Default: half of the shortest idle time; where only this is
   * given, `heartbeatIdleTime` is twice as long. It is never more than half of the shortest idle time.
   */
  readonly heartbeatCheckInterval?: number;
  /** Milliseconds that a closed connection may take nothing of what it is still to get. Default 60,000. */
  readonly lingerTime?: number;

  /**
   * Milliseconds that the loop of a worker, a user process or the manager may stand still, because a handler computes or
   * waits without giving it back, before the process is killed and replaced; at least 3,000. Default 0: it is only named in
   * the log, after five seconds.
   */
  readonly hangTimeout?: number;
  /** The same for task workers, whose tasks may rightly compute for long. Default 0. */
  readonly taskHangTimeout?: number;
  /** Milliseconds that an ending process may take for what it has in hand, before it is killed; Infinity: for ever. Default 3,000. */
  readonly maxWaitTime?: number;
  /** Messages after which a worker is replaced by a new one. Default 0: never. */
  readonly maxRequest?: number;
  /**
   * Each worker draws up to so many messages more, so that not all are replaced at once. Default: half of `maxRequest`
   * where that is above 10, else 0; 0 makes `maxRequest` exact.
   */
  readonly maxRequestGrace?: number;
  /** As `maxRequest` and `maxRequestGrace`, of tasks and task workers. */
  readonly taskMaxRequest?: number;
  readonly taskMaxRequestGrace?: number;
  /**
   * Messages whose handlers are under way in one worker at most; the others wait, and slow their clients down.
   * Default 0: any number.
   */
  readonly workerMaxConcurrency?: number;
  /** Bytes of resident memory above which a worker or task worker is replaced; looked at each second. Default 0: any. */
  readonly maxWorkerMemory?: number;

  /**
   * The module that every process of the server runs, up to its `start`: a path, or a URL as `import.meta.url`. Default: the
   * one that Node was started with, which is not the server's under a test runner or a process manager.
   */
  readonly entry?: string | URL;
  /** A file that holds the master's pid while the server runs. Default: none. */
  readonly pidFile?: string;
  /** Whether the server goes on in the background, in a session of its own and the directory `/`. Default false. */
  readonly daemonize?: boolean;
  /** What the permissions of new files lack, of all processes. Default: as the program was started with. */
  readonly umask?: number;
  /** Who workers, task workers and user processes are, by name or number; the server is to be started as root. */
  readonly user?: string | number;
  /** Default: the main group of `user`; to be named where /etc/passwd has no such user. */
  readonly group?: string | number;
  /** The directory that those processes see as `/`. What they import later is looked for in there. */
  readonly chroot?: string;
  /** The file that the log is added to. Default: standard output. */
  readonly logFile?: string;

  /**
   * What carries messages between reactor threads and workers. Default `'ring'`: rings in shared memory; `'pipe'`: socket
   * pairs. docs/options.md compares them.
   */
  readonly ipc?: Ipc;
  /** With `ipc: 'ring'`: bytes between each reactor thread and worker, per direction; a power of two. Default 1 MiB. */
  readonly ringSize?: number;
  /**
   * With `ipc: 'ring'`, in process mode: microseconds that a worker looks for the next message again and again before it
   * sleeps, as long as that finds some; up to 10,000. For few messages under way and processors to spare, where it saves
   * a wake-up; where there are none, others wait for the one that looks (docs/options.md has figures). Default 0.
   */
  readonly spin?: number;
  /**
   * Processes that have booted and wait to take the place of one that dies, within milliseconds. Default 1 where there
   * is more than one worker, task worker and user process together, else 0. Unless it is 0 another waits to be the manager.
   */
  readonly spares?: number;
  /** The first word of what `ps` shows. Default `'millrace'`. */
  readonly title?: string;
  /** `'trace'`, `'debug'`, `'info'`, `'warn'`, `'error'`, `'fatal'` or `'silent'`. Default `'info'`. */
  readonly logLevel?: LogLevel;
}

/** What may carry messages between reactor threads and workers. */
export const IPC_KINDS = ['ring', 'pipe'] as const;
export type Ipc = (typeof IPC_KINDS)[number];

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Chooses a worker for a message, with `dispatchMode: 'function'`. It runs in a reactor thread, where it holds up all
 * clients of that thread: it computes and does nothing else. `data` is valid only during the call. What it throws, and
 * a number that no worker has, counts as `'default'` and is logged.
 */
export type Dispatch = (data: Buffer, session: DispatchedSession) => DispatchChoice;

/** A worker's number from 0; `'default'`: the session's own worker; `'discard'` the message; `'close'` the session. */
export type DispatchChoice = number | 'default' | 'discard' | 'close';

export interface DispatchedSession {
  readonly id: number;
  /** Index of its listener. */
  readonly port: number;
  /** What `bind` has given it. */
  readonly uid: number | undefined;
  readonly remoteIp: string;
  readonly remotePort: number;
  /** How many workers there are. */
  readonly workers: number;
}
