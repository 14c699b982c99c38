import type { RemoteTransport, Tasks } from '@millrace/task-pool';
import type { Bus } from '../contract/bus.js';
import type { AdminOptions } from './admin-options.js';
import type { HttpEngine, PortOptions } from './port-options.js';
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
  'query',
  'header',
  'cookie',
  'function',
] as const;
export type DispatchMode = (typeof DISPATCH_MODES)[number];

/** Which processes own the clients' sockets: the master with its reactor threads, or the workers. */
export type ServerMode = 'process' | 'base';

/**
 * What `createServer` takes: these, and the first listener's. Times are milliseconds and sizes bytes. A line comment begins
 * a group; docs/options.md and the README's table are made of all of it by `npm run docs:options`.
 */
export interface ServerOptions<T extends Tasks = Tasks> extends PortOptions {
  // Processes

  /**
   * Which processes own the clients' sockets, the master (`'process'`) or the workers (`'base'`). `'process'`: reactor
   * threads of the master serve them, and a worker's death costs no connection. `'base'`: each worker accepts clients and
   * serves them alone; they end with it ([what is different in base mode](docs/options.md#base-mode)).
   * @default 'process'
   * @swoole `mode` of the constructor
   */
  readonly mode?: ServerMode;
  /**
   * What reads the requests of servers of node:http, where `serve` does not say otherwise, and of a program that `millrace start` runs: `'node'`
   * is node:http; `'lean'` is `@millrace/http`, which has the well-formed ones and leaves all others to node:http. Other servers are as ever.
   * @default 'node'
   */
  readonly httpEngine?: HttpEngine;
  /**
   * Reactor threads, never more than `workerNum`. Of process mode: in base mode it is an error.
   * @default processors, at most 8
   * @swoole `reactor_num`
   */
  readonly reactorNum?: number;
  /**
   * Worker processes.
   * @default processors
   * @swoole `worker_num`
   */
  readonly workerNum?: number;
  /**
   * Most workers that `server.scale` may come to. What they share is made at the start, so it is fixed there; a place that no worker has
   * costs a few descriptors of the master and manager, and memory that exists once it is used ([what it costs](docs/options.md#scaling)).
   * @default twice `workerNum`, or twice the processors if there are more; at most 16 above `workerNum`
   */
  readonly maxWorkerNum?: number;
  /**
   * Task worker processes.
   * @default 0: no tasks
   * @swoole `task_worker_num`
   */
  readonly taskWorkerNum?: number;
  /**
   * Most task workers that `server.scale` may come to. See `maxWorkerNum`.
   * @default as of `maxWorkerNum`; 0 where `taskWorkerNum` is 0
   */
  readonly maxTaskWorkerNum?: number;
  /**
   * Messages after which a worker is replaced by a new one: frames, datagrams, requests of HTTP, connections that servers of the program
   * read as bytes, and each message of a WebSocket that can be resumed. It is exact, but for `maxRequestGrace`: what a worker has not taken
   * is answered by the next.
   * @default 0: never
   * @swoole `max_request`
   */
  readonly maxRequest?: number;
  /**
   * Each worker draws up to so many messages more, so that not all are replaced at once; 0 makes `maxRequest` exact.
   * @default half of `maxRequest` where that is above 10, else 0
   * @swoole `max_request_grace`
   */
  readonly maxRequestGrace?: number;
  /**
   * Tasks after which a task worker is replaced by a new one.
   * @default 0: never
   * @swoole `task_max_request`
   */
  readonly taskMaxRequest?: number;
  /**
   * Each task worker draws up to so many tasks more; 0 makes `taskMaxRequest` exact.
   * @default half of `taskMaxRequest` where that is above 10, else 0
   * @swoole `task_max_request_grace`
   */
  readonly taskMaxRequestGrace?: number;
  /**
   * Bytes of resident memory above which a worker or task worker is replaced. Looked at each second.
   * @default 0: any
   */
  readonly maxWorkerMemory?: number;
  /**
   * How long an ending process may take for what it has in hand, before it is killed. `Infinity` waits for ever. A process
   * whose loop is blocked is killed half a second later. Also how long HTTP requests wait for a process when their worker
   * has died, before they are answered 503.
   * @default 3,000 ms
   * @swoole `max_wait_time`
   */
  readonly maxWaitTime?: number;
  /**
   * Whether an HTTP request that went down with its worker, and of which nothing has been answered, is given to another
   * worker, once, instead of being answered 502. Of methods that may be repeated (GET, HEAD, PUT, DELETE, OPTIONS, TRACE, QUERY),
   * up to 16 KiB for each client. One that has ended two workers is answered 502 and named in the log. Of process mode: in
   * base mode it is an error.
   * @default false
   */
  readonly retryRequests?: boolean;
  /**
   * How long the loop of a worker, a user process or the manager may stand still, because a handler computes or waits
   * without giving it back, before the process is killed and replaced. At least 3,000 ms. With the manager go the
   * processes below it. With or without a limit, the log names it after five seconds. A process at a breakpoint or stopped
   * by a signal is not meant, nor one that was frozen together with the process that watches it (decision 67).
   * @default 0: never
   */
  readonly hangTimeout?: number;
  /**
   * The same for task workers, whose tasks may rightly compute for long.
   * @default 0: never
   */
  readonly taskHangTimeout?: number;
  /**
   * Messages, of every kind, whose handlers are under way in one worker at most. Those beyond it wait in the worker's
   * rings, then in their clients.
   * @default 0: any number
   * @swoole `worker_max_concurrency`
   */
  readonly workerMaxConcurrency?: number;
  /**
   * Processes that have booted and take a dead one's place within milliseconds. Unless it is 0, one more waits to take the
   * manager's.
   * @default 1 with more than one worker, task worker and user process together, else 0
   */
  readonly spares?: number;
  /**
   * Whether one more process waits for the end of each worker, with the program loaded as far as its `start()`, and takes its place: a
   * kill costs clients less time, and much less where the program takes long to load. It costs the memory of a worker each, and the program's
   * lines before `start()` run in it as well; `workerStart` runs when it takes the place, and what the killed worker had open (a port of its
   * own, say) may be open for some milliseconds more then.
   * @default false
   */
  readonly standby?: boolean;
  /**
   * The module that every process of the server runs, up to its `start`: a path, or a URL as `import.meta.url`. For
   * [test runners](docs/testing.md), process managers and bundles, where Node was started with another.
   * @default the module that Node was started with
   */
  readonly entry?: string | URL;
  /**
   * Whether the server goes on in the background, in a session of its own and the directory `/`. `pidFile` and `logFile`
   * are absolute then. Node cannot fork: the program starts anew in the background, and what stands before `start` runs
   * twice. What was started exits with 0 once the server accepts clients, else with another code and the reason.
   * @default false
   * @swoole `daemonize`
   */
  readonly daemonize?: boolean;
  /**
   * A file that holds the master's pid while the server runs. One that a killed server has left is taken over, that of one
   * that runs is an error.
   * @default none
   * @swoole `pid_file`
   */
  readonly pidFile?: string;
  /**
   * The user of workers, task workers and user processes, by name or number; the server is to be started as root. With
   * tasks, the user has to have `taskTmpdir` and the queue. Set in the order groups, root directory, user; what cannot be
   * done is an error, and the server does not start.
   * @default the one that starts the server
   * @swoole `user`
   */
  readonly user?: string | number;
  /**
   * The group of those processes. To be named where /etc/passwd has no such user.
   * @default the groups of `user` in /etc/passwd
   * @swoole `group`
   */
  readonly group?: string | number;
  /**
   * The directory that those processes see as `/`. What they import later is looked for in there.
   * @default none
   * @swoole `chroot`
   */
  readonly chroot?: string;
  /**
   * What the permissions of new files lack, of all processes.
   * @default the program's
   */
  readonly umask?: number;
  /**
   * The first word of what `ps` shows.
   * @default 'millrace'
   */
  readonly title?: string;

  // Clients

  /**
   * Clients at once, of all stream listeners together; clients are counted, not descriptor numbers. Beyond it a client is
   * closed at once and counted (`stats().abortCount`); accepting goes on for the next. A limit of open files below it is
   * logged.
   * @default 10,000
   * @swoole `max_conn`, `max_connection`
   */
  readonly maxConnections?: number;
  /**
   * Messages that one client may have on their way to one worker, and deliver in one turn of a reactor. Then it is not read
   * from until the worker has taken half of it (`stats().clientHoldCount`). The share is what other clients of the worker
   * wait for at most. A client that is the only one to send has up to 32 shares, as long as the worker takes them within a
   * millisecond, and up to half a millisecond of a turn; it has one again with the first message of another client
   * (decision 68).
   * @default 32; 16 with `ipc: 'pipe'`
   */
  readonly maxClientMessages?: number;
  /**
   * The same in bytes. A longer message goes alone.
   * @default 256 KiB
   */
  readonly maxClientBytes?: number;
  /**
   * Bytes held for all clients together. Counted are messages that have come in part, answers that were not taken, 32 KiB
   * for each client of TLS and 48 KiB for each handshake. Handshakes have a quarter of it, then the oldest are broken
   * off. Not counted: the buffers of the kernel (decision 52). Beyond it the clients that hold most are closed with the
   * reason `'memory'`, logged and counted (`stats().clientMemory`, `clientMemoryCloseCount`).
   * @default an eighth of the memory there is, of the machine or its control group; at least 32 MiB
   */
  readonly maxClientMemory?: number;
  /**
   * Bytes from which on the clients that hold more than the average are not read from (`stats().clientMemoryHoldCount`).
   * The one that was held first goes on first, to finish its message.
   * @default three quarters of `maxClientMemory`
   */
  readonly clientMemoryHighWatermark?: number;
  /**
   * Time without one of those being let go, after which the largest client is closed.
   * @default 10,000 ms
   */
  readonly clientMemoryTimeout?: number;
  /**
   * Descriptors of a process that no client gets, nor a file that is sent to one. A client that comes then, or is to get a
   * file, is closed at once, logged and counted (`stats().descriptorAbortCount`). A new manager can be started with them,
   * and the log opened anew.
   * @default 64, at most a quarter of the limit of open files
   */
  readonly reservedDescriptors?: number;
  /**
   * The first session's id.
   * @default 1
   * @swoole `start_session_id`
   */
  readonly startSessionId?: number;
  /**
   * Time between two looks for idle clients, never more than half of the shortest idle time. Where only this is given,
   * `heartbeatIdleTime` is twice as long.
   * @default half of the shortest idle time
   * @swoole `heartbeat_check_interval`
   */
  readonly heartbeatCheckInterval?: number;
  /**
   * How long a closed connection may take nothing of what it is still to get.
   * @default 60,000 ms
   */
  readonly lingerTime?: number;

  // Tasks

  /**
   * The tasks that task workers run, by name; calls of them are typed.
   * @default {}
   */
  readonly tasks?: T;
  /**
   * How tasks travel between workers and task workers: in rings of shared memory, pipes (socket pairs), or a queue of the
   * system, `'system-v-queue'` (Swoole's modes 2 and 3) or `'posix-queue'`. Any idle task worker runs the next task, as in
   * Swoole's mode 3, and a chosen one is honoured in each. With a queue other programs may post tasks, and what is left in
   * it is run by the next start. `bullmq({ … })` of `@millrace/task-bullmq` and `jetStream({ … })` of `@millrace/task-nats`
   * bring tasks to an engine: to the task workers of every server on it, and to those of `millrace tasks`. With
   * `taskWorkerNum: 0` this server only asks for tasks.
   * @default 'ring'
   * @swoole `task_ipc_mode`
   */
  readonly taskTransport?: TaskTransportName | RemoteTransport;
  /**
   * The key of the queue of `taskTransport: 'system-v-queue'`, which needs it: a 32-bit integer other than 0, as `ipcs -q`
   * shows it. There is no private queue: a killed server would leave it for ever.
   * @default none
   * @swoole `message_queue_key`
   */
  readonly taskQueueKey?: number;
  /**
   * The name of the queue of `taskTransport: 'posix-queue'`, which needs it: `'/tasks'` for one.
   * @default none
   */
  readonly taskQueueName?: string;
  /**
   * Users, besides root, this one and `user`, that may own the queue. The owner of a queue reads its tasks and gives tasks
   * of its own.
   * @default none
   */
  readonly taskQueueTrustedUsers?: readonly number[] | 'any';
  /**
   * Bytes of each ring of tasks, a power of two. There are two for each worker and task worker (those of user processes, the
   * manager and the master have 64 KiB).
   * @default 512 KiB; less where all together would be more than 64 MiB, at least 64 KiB
   */
  readonly taskRingSize?: number;
  /**
   * Where large values and results travel. `'memory'`: they stay in a ring as long as they take no more than a quarter of
   * it, larger ones go through a file. `'file'`: from 8,192 bytes on, as with `taskTransport: 'pipe'` and as values in a
   * queue of the system always do.
   * @default 'memory'
   */
  readonly taskLargeValues?: 'memory' | 'file';
  /**
   * An absolute directory for those files, made if it is missing, inside of `chroot`. Files are in a directory of the
   * server's own below it, for one user alone, with a name that cannot be guessed. What a dead server has left there is
   * removed by the next start; what a queue may name is kept until a start finds the queue empty.
   * @default the system's
   * @swoole `task_tmpdir`
   */
  readonly taskTmpdir?: string;
  /**
   * Tasks that wait in one worker for a task worker. One more is an error.
   * @default 10,000
   */
  readonly taskMaxQueue?: number;

  // Dispatch and back-pressure

  /**
   * What brings publications (`server.publish`) to the subscribers of other servers, and theirs to this one's: `redis({ … })` of
   * `@millrace/task-bullmq/bus`, or `nats({ … })` of `@millrace/task-nats/bus`. A process of its own holds the connection.
   * @default none: to all processes of this server
   */
  readonly bus?: Bus;

  /**
   * Which worker gets a message: [the modes](docs/options.md#dispatch-modes). Of process mode: in base mode it is an error.
   * @default 'fixed'
   * @swoole `dispatch_mode`
   */
  readonly dispatchMode?: DispatchMode;
  /**
   * With `dispatchMode: 'function'`: a module that exports `dispatch(data, session)`, a {@link Dispatch}, which returns a
   * worker, `'default'`, `'discard'` or `'close'`. Reactor threads run it.
   * @default none
   * @swoole `dispatch_func`
   */
  readonly dispatchModule?: string | URL;
  /**
   * With `dispatchMode: 'query'`, `'header'` or `'cookie'`: the name of the value in an HTTP request whose hash says which
   * worker gets it.
   * @default none
   */
  readonly dispatchKey?: string;
  /**
   * Whether nothing is read from a new connection before `session.resume()`.
   * @default false
   * @swoole `enable_delay_receive`
   */
  readonly enableDelayReceive?: boolean;
  /**
   * What carries messages between reactor threads and workers:
   * [rings in shared memory or socket pairs](docs/options.md#between-reactor-threads-and-workers). Of process mode: in base
   * mode it is an error.
   * @default 'ring'
   */
  readonly ipc?: Ipc;
  /**
   * With `ipc: 'ring'`: bytes between each reactor thread and worker, per direction; a power of two. At most 64 KiB of them
   * in base mode, where clients' messages go through no ring.
   * @default 1 MiB
   */
  readonly ringSize?: number;
  /**
   * With `ipc: 'ring'`, in process mode: microseconds, up to 10,000, that a worker
   * [looks for messages](docs/options.md#looking-before-sleeping) before it sleeps. For few messages under way and processors
   * to spare, where it saves a wake-up; where there are none, others wait for the worker that looks.
   * @default 0
   */
  readonly spin?: number;

  // Logging

  /**
   * The file that the log is added to. SIGWINCH or SIGUSR1 to the master, or `server.reopenLog()`, opens it anew in every
   * process; with `user`, `group` or `chroot` the manager opens it and the others get its descriptor, so it may stay root's,
   * as `create 0640 root adm` of logrotate makes it. Lines that cannot be written, and those for a pipe without a reader,
   * are lost and counted (`stats().lostLogLines`); standard error is told of the first.
   * @default standard output
   * @swoole `log_file`
   */
  readonly logFile?: string;
  /**
   * The least level that is logged.
   * @default 'info'
   * @swoole `log_level`
   */
  readonly logLevel?: LogLevel;
  /**
   * How lines of the log look: JSON, or for readers, in colours on a terminal where `NO_COLOR` is not set. The variable
   * `MILLRACE_LOG_FORMAT` says it where this does not.
   * @default `'pretty'` on a terminal, else `'json'`
   */
  readonly logFormat?: LogFormat;
  /**
   * Where goes what processes below the master write to their standard output and error: as lines, with their origin, to the log, in which
   * a line of a logger, JSON with a level, keeps what it tells; or `'raw'` to the standard streams that the server was started with, for a
   * program that draws on a terminal. The variable `MILLRACE_PROGRAM_OUTPUT` says it where this does not.
   * @default `'log'`; `'raw'` under `startTestServer`
   */
  readonly programOutput?: ProgramOutput;
  /**
   * Lines that one process may write in a second to its standard streams, each 1 KiB on average; those beyond are counted and left out. 0: any number.
   * @default 10,000
   */
  readonly outputLimit?: number;
  /**
   * Whether the server can be asked and told [over HTTP, on a unix socket](docs/admin.md), and how: [its options](docs/options.md#the-admin-interface).
   * A process of its own answers, `TITLE: admin`.
   * @default false
   */
  readonly admin?: boolean | AdminOptions;
}

/** What may carry messages between reactor threads and workers. */
export const IPC_KINDS = ['ring', 'pipe'] as const;
export type Ipc = (typeof IPC_KINDS)[number];

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const PROGRAM_OUTPUTS = ['log', 'raw'] as const;
export type ProgramOutput = (typeof PROGRAM_OUTPUTS)[number];

export const LOG_FORMATS = ['json', 'pretty'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

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
