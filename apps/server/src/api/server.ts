import type { Server as HttpServer, RequestListener } from 'node:http';
import type { Server as NetServer } from 'node:net';
import { type Bytes, checkOptions, type WaitOptions } from '@millrace/channel';
import { inherit } from '@millrace/process-pool';
import { hasParent } from '@millrace/process-pool/internal';
import type { SocketAddress } from '@millrace/reactor';
import type { Columns, Table, TableDefinition } from '@millrace/shared-memory';
import type {
  RunName,
  RunOptions,
  Settled,
  StreamName,
  TaskItem,
  TaskReport,
  TaskResult,
  Tasks,
  TaskValue,
} from '@millrace/task-pool';
import type { ClientInfo } from '../contract/client-info.js';
import type { ServerEvents } from '../contract/events.js';
import type { ProcessId, RoleName } from '../contract/ids.js';
import { RELOAD_OPTIONS, type ReloadOptions, type ReloadResult } from '../contract/reload.js';
import { ROLE, type RoleAssignment, type WorkerStatus } from '../contract/role.js';
import { SCALE_OPTIONS, type ScaleOptions, type ScaleResult } from '../contract/scale.js';
import type { CloseOptions, SendFileRange } from '../contract/session.js';
import type { Subscription, TopicHandler } from '../contract/topics.js';
import type { Message, TopicName, TopicValue } from '../contract/types.js';
import { interruptible } from '../diagnosis/diagnosis.js';
import { callSite, shownAt } from '../errors.js';
import { PeerIdentity } from '../links/peer-identity.js';
import { managerPeer, masterPeer } from '../links/topology.js';
import type { Logger, ProcessLog } from '../log/log.js';
import { openLog } from '../log/open-log.js';
import { originOf } from '../log/origin.js';
import { captureOutput } from '../log/output-pipes.js';
import type { Command, CommandOptions } from '../messages/commands.js';
import { ProcessMessages } from '../messages/process-messages.js';
import { useRegistries } from '../metrics/program-registries.js';
import type { ServerOptions } from '../options/options.js';
import type { PortOptions, ServeOptions } from '../options/port-options.js';
import { resolveOptions } from '../options/resolve-options.js';
import { tellTest } from '../options/under-test.js';
import { ProcessTimers } from '../process/process-timers.js';
import { startMembersAhead } from '../process/processes-ahead.js';
import type { ProgramVersion } from '../process/program-version.js';
import { spawnArguments } from '../process/spawn-arguments.js';
import { leaveSignalsToMaster } from '../process/termination.js';
import { warmUp } from '../process/warm-up.js';
import { notStarted } from '../process/wrong-role.js';
import type { PlainTaskOptions } from '../tasks/plain-task.js';
import type { UserProcessHandler } from '../worker/user-process.js';
import { assertSessionId, Clients } from './clients.js';
import { Lifecycle } from './lifecycle.js';
import type { Port } from './port.js';
import { Registrations } from './registrations.js';
import { assertHandlers } from './required-handlers.js';
import type { Role } from './role.js';
import { RoleStart } from './role-start.js';
import { type FetchServable, type Servable, servePlace, serverOf } from './served.js';
import { ServerStarts } from './server-starts.js';
import { SharedTables } from './shared-tables.js';
import type { ServerStats } from './stats.js';
import { type TaskArguments, TaskRequests } from './task-requests.js';

// Before the next line: a spare waits in that one, and must not end by them.
if (hasParent()) {
  interruptible();
  leaveSignalsToMaster();
}
// At once, not in `start`: from here on no process outlives its parent, whatever the entry module does first.
const child = inherit({ warmUp, startAhead: startMembersAhead });
if (child !== undefined) useRegistries(child.descriptors);
const assignment: RoleAssignment = (child?.data as RoleAssignment | undefined) ?? {
  role: 'master',
  id: 0,
  managerIncarnation: 0,
};
// A service process runs none of this.
const role = assignment.role as RoleName;
// Before the program writes anything.
if (child) captureOutput(child.descriptors, originOf(role, assignment.id));
const starts = new ServerStarts(child, assignment);

/** What the server does in this process, once that has its role. */
interface Running {
  readonly role: Role;
  readonly clients: Clients;
  readonly lifecycle: Lifecycle;
  readonly tasks: TaskRequests;
}

/**
 * A server in Swoole's architecture. Every process of it runs the same entry module; `start` takes the role that the
 * process was started for. Everything before `start` therefore runs in each of them, and must be the same in each.
 *
 * The file is long by its documentation: each method hands on to the part of the server that does the work, and says here
 * what a user has to know of it.
 */
export class Server<T extends Tasks = Tasks> implements AsyncDisposable {
  /** What this process is. */
  readonly role: RoleName = role;
  readonly #registered: Registrations;
  readonly #identity: PeerIdentity;
  readonly #log: ProcessLog;
  readonly #timers = new ProcessTimers();
  readonly #program: ProgramVersion | undefined;
  readonly #messages: ProcessMessages;
  #running: Running | undefined;

  /**
   * Throws `ERR_MILLRACE_OPTION` or `ERR_MILLRACE_UNKNOWN_OPTION`. `lateListeners` is internal: the server runs a program, which says
   * while it runs where it listens, in so many places at most; so is `program`, what has been read for that.
   */
  constructor(options: ServerOptions<T>, lateListeners = 0, program?: ProgramVersion) {
    this.#program = program;
    const resolved = resolveOptions(options as ServerOptions, lateListeners > 0);
    this.#registered = new Registrations(resolved, new SharedTables(child), lateListeners);
    this.#identity = new PeerIdentity(role, assignment.id, this.#registered);
    this.#log = openLog(resolved, originOf(role, assignment.id), child);
    const { maxWaitTime } = resolved;
    this.#messages = new ProcessMessages({
      identity: this.#identity,
      handlers: this.#registered.handlers,
      logs: this.#log,
      maxWaitTime,
    });
  }

  /** @internal What this process does in the server, once that is known: for what runs a program. */
  get [ROLE](): Role | undefined {
    return this.#running?.role;
  }

  /** Workers count from 0, then task workers, then user processes; undefined in the master and the manager. */
  get workerId(): number | undefined {
    return this.#identity.workerId;
  }

  /** Whether this process is a task worker. */
  get taskWorker(): boolean {
    return this.role === 'taskWorker';
  }

  /** The log of this process. */
  get log(): Logger {
    return this.#log.log;
  }

  /** Adds a handler; several for one event run in the order they were added. Throws `ERR_MILLRACE_STARTED`. */
  on<Name extends keyof ServerEvents>(event: Name, handler: ServerEvents[Name]): this {
    this.#registered.on(event, handler);
    return this;
  }

  /** Listens on one more port, with handlers of its own where it is given some. Throws `ERR_MILLRACE_STARTED`, `ERR_MILLRACE_OPTION` and `ERR_MILLRACE_UNKNOWN_OPTION`. */
  addListener(options: PortOptions): Port {
    return this.#registered.addListener(options);
  }

  /**
   * Has a server of node:http, node:https, node:http2, node:tls or node:net, a function `(request, response)`, or an object with a
   * function `fetch(request)` that gives a `Response`, serve the clients of a listener, in every worker: as if it listened there.
   * Without options that is the server's first listener. Do not call its `listen`. Events of the server's own, `receive` and the like, are not for this listener. Returns the server. Throws
   * `ERR_MILLRACE_STARTED` and `ERR_MILLRACE_OPTION`.
   *
   * @example
   * const server = createServer({ port: 3000, workerNum: 4 });
   * server.serve(express());
   * await server.start();
   */
  serve<S extends NetServer>(target: S, options?: ServeOptions): S;
  serve(target: RequestListener | FetchServable, options?: ServeOptions): HttpServer;
  serve(target: Servable, options?: ServeOptions): NetServer {
    this.#registered.assertOpen('serve');
    const { engine, place } = servePlace(target, options ?? {}, this.#registered.options.httpEngine);
    const server = serverOf(target);
    this.#registered.serve({ server, engine }, place);
    return server;
  }

  /**
   * Runs `handler` in a process of its own that is kept alive, and tells it apart by the order of the calls. Returns its
   * flat id, for `sendMessage`. Throws `ERR_MILLRACE_STARTED` and `ERR_MILLRACE_OPTION`.
   */
  addProcess(handler: UserProcessHandler): number {
    return this.#registered.addProcess(handler);
  }

  /**
   * A table that every process of the server shares, of this run of it: it has no name in the system, so it begins empty, no other
   * server or user can open it, and it is gone with the server, however that ends. It stays as it is in a reload. Tables are the
   * same in every process: add them before `start`. Throws `ERR_MILLRACE_STARTED`, `ERR_MILLRACE_OPTION`, and a
   * `SharedMemoryError` for a definition that cannot be or is not the master's.
   */
  addTable<const C extends Columns>(name: string, definition: TableDefinition<C>): Table<C> {
    return this.#registered.addTable(name, definition);
  }

  /**
   * Takes this process's role; resolves once it does its work: in the master, when clients are accepted. Rejects with
   * `ERR_MILLRACE_HANDLER_MISSING`, `_LISTEN`, `_START_FAILED`, `_STARTED`, `_STOPPED` or `_SECOND_SERVER`.
   */
  async start(): Promise<void> {
    const site = callSite(this.start);
    try {
      await this.#start();
    } catch (error) {
      throw shownAt(error, site);
    }
  }

  async #start(): Promise<void> {
    this.#registered.assertOpen('start');
    // The master says so; the processes of the first server run the same lines, and are not to end by them.
    if (starts.hasServer && child !== undefined) return new Promise(() => {});
    const { options, handlers, listeners } = this.#registered;
    const { entry } = spawnArguments(options);
    starts.assertOnlyServer(entry);
    assertHandlers(options, handlers, listeners);
    this.#registered.close();
    await starts.run(entry, () => this.#takeRole());
  }

  async #takeRole(): Promise<void> {
    const identity = this.#identity;
    const { options, handlers, listeners } = this.#registered;
    const start = new RoleStart({
      child,
      assignment,
      registered: this.#registered,
      processLog: this.#log,
      messages: this.#messages,
      timers: this.#timers,
      starts,
      program: this.#program,
    });
    const role = (await start.take()) as Role;
    const own = role.name === 'worker' ? role : undefined;
    this.#running = {
      role,
      clients: new Clients(role, own, listeners, identity),
      lifecycle: new Lifecycle(role, child, identity),
      tasks: new TaskRequests(role, options, handlers, this.#log),
    };
    await start.run(role);
    // A handler of `start` may have ended the server.
    if (role.name === 'master' && role.openGateway()) tellTest(this.addresses);
  }

  /** Ends the server at the end of an `await using` block, in the master; in other processes it does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.role === 'master') await this.#running?.lifecycle.shutdown();
  }

  /**
   * Calls `callback(id, …args)` every `ms` milliseconds in this process, from now on. What stands before `start` (and after it, at the
   * top of the program) runs in every process: for a timer in some of them ask {@link Server.role}, or make it where only they come:
   *
   * @example
   * server.on('workerStart', () => { if (!server.taskWorker) server.tick(1_000, report); });   // each worker
   * server.on('start', () => server.tick(1_000, report));                                      // the master
   * server.addProcess(() => void server.tick(1_000, report));                                  // one process of its own
   */
  tick<A extends unknown[]>(ms: number, callback: (id: number, ...args: A) => void, ...args: A): number {
    return this.#timers.tick(callSite(this.tick).trim(), ms, callback, args);
  }

  /** Calls `callback(…args)` once, after `ms` milliseconds, in this process; in which, `tick` tells. */
  after<A extends unknown[]>(ms: number, callback: (...args: A) => void, ...args: A): number {
    return this.#timers.after(ms, callback, args);
  }

  /** Ends a timer of this process; false when there is none of that id. */
  clear(id: number): boolean {
    return this.#timers.clear(id);
  }

  /**
   * Sends to a client. True: go on. False: sent, but much waits for the client, and `drained` tells when to go on.
   * Undefined: the session is not open, and nothing is sent. Throws `ERR_MILLRACE_SESSION_FULL` when more than `socketBufferSize`
   * waits already. Several processes that send to one client have no order among each other.
   */
  send(id: number, data: string | Bytes): boolean | undefined {
    return this.#clientsFor('send', id).send(id, data);
  }

  /** Sends a regular file, or a piece of it. As `session.sendFile`. */
  sendFile(id: number, path: string, range?: SendFileRange): boolean | undefined {
    return this.#clientsFor('sendFile', id).sendFile(id, path, range);
  }

  /**
   * Resolves with true when there is room for more to send, with false when the session is not open or closes. Rejects
   * with `ERR_MILLRACE_NOT_RUNNING` in a worker whose `workerStart` is not over: the answers of reactor threads would come
   * to the worker before it.
   */
  async drained(id: number, options?: WaitOptions): Promise<boolean> {
    return this.#clientsFor('drained', id).drained(id, options);
  }

  /**
   * Closes a connection after everything sent before has gone out, or at once with `reset`, which may follow on a close that
   * waits for its client. False: not open, or some process has asked for that before.
   */
  close(id: number, options?: CloseOptions): boolean {
    return this.#clientsFor('close', id).close(id, options);
  }

  /** Reads no more from a client until `resume`. False: the session is not open. */
  pause(id: number): boolean {
    return this.#clientsFor('pause', id).pause(id);
  }

  resume(id: number): boolean {
    return this.#clientsFor('resume', id).resume(id);
  }

  /** Exempts a client from the limits of idle time. False: the session is not open. */
  protect(id: number, on = true): boolean {
    return this.#clientsFor('protect', id).protect(id, on);
  }

  /** Gives a session a uid, for `dispatchMode: 'uid'`; once. False: not open, or bound before. */
  bind(id: number, uid: number): boolean {
    return this.#clientsFor('bind', id).bind(id, uid);
  }

  /** Whether the session is open. */
  exists(id: number): boolean {
    return this.#at('exists').clients.exists(id);
  }

  /** What is known of a client; undefined when it is not open. A closed one's stays readable for a while. */
  getClientInfo(id: number, options?: { readonly ignoreClosed?: boolean }): ClientInfo | undefined {
    return this.#at('getClientInfo').clients.info(id, options);
  }

  /** Up to `count` open sessions with an id above `after`, in ascending order; empty when there are no more. */
  getClientList(after?: number, count?: number): number[] {
    return this.#at('getClientList').clients.list(after, count);
  }

  /** The ids of all open sessions, as they are when the iteration begins. */
  get connections(): IterableIterator<number> {
    return this.#at('connections').clients.all();
  }

  /** What the server has counted since its start. */
  stats(): ServerStats {
    return this.#at('stats').clients.stats();
  }

  /** Where the server listens, in the order of the listeners; ports that were 0 are the real ones. */
  get addresses(): readonly { readonly host: string; readonly port: number; readonly path?: string }[] {
    return this.#at('addresses').clients.addresses();
  }

  /**
   * Sends a datagram from a listener: the first that is for datagrams, unless `port` names another by its index. False:
   * slow down, much waits to be sent. Undefined: this process has ended its work, and nothing is sent. A datagram that the kernel has no room for is dropped and counted (`stats().droppedPackets`).
   */
  sendTo(
    to: SocketAddress,
    data: string | Bytes,
    { port }: { readonly port?: number } = {},
  ): boolean | undefined {
    return this.#at('sendTo').clients.sendTo(to, data, port);
  }

  /**
   * Sends a value to another process of the server, which gets it as `pipeMessage`: a worker, task worker or user
   * process by its flat id, `'manager'` or `'master'`. False: sent, but much waits for that process, and
   * `messagesDrained` tells when to go on. Undefined: this process has ended its messages, and nothing is sent. Messages of one sender to one receiver keep their order; a receiver that dies
   * loses those it had taken, its replacement gets the others. Throws `ERR_MILLRACE_NO_PROCESS`,
   * `ERR_MILLRACE_HANDLER_MISSING`, and a `ChannelError` for what cannot be sent.
   */
  sendMessage(message: Message, to: ProcessId): boolean | undefined {
    return this.#messages.pipe.send(message, to);
  }

  /** Resolves when all messages to that process have left this one. */
  messagesDrained(to: ProcessId, options?: WaitOptions): Promise<void> {
    return this.#messages.pipe.drained(to, options);
  }

  /**
   * Publishes a value: it comes to every handler that {@link Server.subscribe} has added for the topic, in every process of the server,
   * this one included. At most once, and to each process in the order that this one publishes in. It waits for nothing: where more than
   * 1 MiB of this process waits for another one, what is published is dropped for that process, and counted. True: nothing was dropped.
   * False: it was, for some process. Undefined: this process has ended its messages, and nothing is published. Throws
   * `ERR_MILLRACE_TOPIC`, `ERR_MILLRACE_PUBLICATION_SIZE` for more than 256 KiB, `ERR_MILLRACE_NOT_RUNNING` before the start, and a
   * `ChannelError` for what cannot be sent.
   */
  publish<Name extends TopicName>(topic: Name, value: TopicValue<Name>): boolean | undefined {
    this.#at('publish');
    return this.#messages.topics.publish(topic, value);
  }

  /**
   * Calls `handler(value, topic)` with what is published under a topic from now on, in this process; in any process, before the start
   * or after it. The process that takes the place of this one subscribes for itself. What a handler throws is an `error`, or logged.
   * Throws `ERR_MILLRACE_TOPIC` and `ERR_MILLRACE_OPTION`.
   *
   * @example
   * server.on('workerStart', () => { server.subscribe('news', (text) => { for (const id of server.connections) server.send(id, String(text)); }); });
   */
  subscribe<Name extends TopicName>(topic: Name, handler: TopicHandler<TopicValue<Name>>): Subscription {
    return this.#messages.topics.subscribe(topic, handler);
  }

  /**
   * Makes `handler` a command, for processes of the roles that `where` names. What it returns, or its promise, is the
   * answer. Commands are the same in every process: add them before `start`. Throws `ERR_MILLRACE_STARTED` and
   * `ERR_MILLRACE_OPTION`.
   */
  addCommand<R, V = undefined>(
    name: string,
    where: RoleName | readonly RoleName[],
    handler: (value: V) => R,
  ): Command<V, R> {
    this.#registered.assertOpen('addCommand');
    const roles = typeof where === 'string' ? [where] : where;
    this.#messages.commands.add(name, roles, handler as (value: unknown) => unknown);
    return {
      name,
      run: (target, ...[value, options]) => this.command(name, target, value, options) as Promise<Awaited<R>>,
    };
  }

  /**
   * Has another process, or this one, run a command, from any process of the server: a worker, task worker or user
   * process by its flat id, `'manager'` or `'master'`. Values and results are what msgpackr carries. Rejects with what the
   * handler throws there; with `ERR_MILLRACE_NO_COMMAND`, `ERR_MILLRACE_NO_PROCESS`, `ERR_MILLRACE_COMMAND_TIMEOUT` or the
   * signal's reason. A process that dies with the command in hand does not answer; one that dies before leaves it to
   * its replacement.
   */
  async command(
    name: string,
    target: ProcessId,
    value?: unknown,
    options?: CommandOptions,
  ): Promise<unknown> {
    return this.#messages.run(name, target, value, options);
  }

  /**
   * Puts new processes in the places of workers and task workers, so that they run what the files of the program say
   * now; with `tasksOnly` of task workers alone. No request is lost and no connection closed. Resolves when the last
   * process before has ended; of a version that does not come up nothing is kept. In the master and the manager; in
   * other processes it asks the manager, and resolves at once.
   */
  async reload(options: ReloadOptions = {}): Promise<ReloadResult> {
    checkOptions(options, RELOAD_OPTIONS, 'server.reload');
    return this.#at('reload').lifecycle.reload(options);
  }

  /**
   * Has the server go on with more or fewer workers and task workers, without losing a client or a message: `scale({ workers: 4 })`.
   * Resolves when they are ready, or those that are too many have finished what they had and ended; in processes below the manager at
   * once. Rejects with `ERR_MILLRACE_SCALE` for what is no such number, or above `maxWorkerNum` or `maxTaskWorkerNum`.
   */
  async scale(options: ScaleOptions): Promise<ScaleResult> {
    checkOptions(options, SCALE_OPTIONS, 'server.scale');
    return this.#at('scale').lifecycle.scale(options);
  }

  /**
   * Ends the whole server in order. In the master it resolves when everything has ended; in other processes it asks the
   * master, as SIGTERM does, and resolves at once: what has been begun is finished.
   */
  async shutdown(): Promise<void> {
    await this.#at('shutdown').lifecycle.shutdown();
  }

  /**
   * Puts a new process in the place of one: a worker, task worker or user process by its flat id. Of a worker or task worker
   * nothing is lost, as in a reload; a user process is asked to end first. Resolves as {@link reload} does; in a process below
   * the manager at once, so a worker may stop itself. Rejects with `ERR_MILLRACE_NO_PROCESS`.
   */
  async stopWorker(id: number): Promise<ReloadResult> {
    return this.#at('stopWorker').lifecycle.stopWorker(id);
  }

  /** The master's pid. Throws `ERR_MILLRACE_NOT_RUNNING` before the start. */
  get masterPid(): number {
    // There is none without it.
    return this.#at('masterPid').lifecycle.pidOf(masterPeer(this.#identity.topology), 'masterPid') as number;
  }

  /** The manager's pid; undefined while there is none, and another is about to start. */
  get managerPid(): number | undefined {
    return this.#at('managerPid').lifecycle.pidOf(managerPeer(this.#identity.topology), 'managerPid');
  }

  /**
   * The pid of a worker, task worker or user process, by its flat id: of the process that has its place now. Undefined while there is
   * none. Throws `ERR_MILLRACE_NO_PROCESS`.
   */
  workerPid(id: number): number | undefined {
    return this.#at('workerPid').lifecycle.workerPid(id);
  }

  /** In the master and the manager: every process opens `logFile` anew. SIGWINCH to the master does the same. */
  reopenLog(): void {
    this.#at('reopenLog').lifecycle.reopenLog();
  }

  /**
   * Clients that come from here on get the keys and certificates that the files of `tls` hold now; a client that is connected
   * keeps its own. A reload does it as well. In the master it throws `ERR_MILLRACE_TLS` when something is wrong with them, and
   * nothing changes; in other processes it asks the master, whose log says so.
   */
  reloadCertificates(): void {
    this.#at('reloadCertificates').lifecycle.reloadCertificates();
  }

  /** In a worker or task worker: whether it has something to do, or is on its way out. Undefined in others. */
  get workerStatus(): WorkerStatus | undefined {
    return this.#running?.lifecycle.workerStatus;
  }

  /**
   * Runs a task of `tasks` in a task worker and gives its result, or its error. In a worker, a user process, the manager and
   * the master. Rejects with what the task throws; with a `TaskError`, `ERR_MILLRACE_UNKNOWN_TASK` for what is no name
   * of one; with `ERR_MILLRACE_WRONG_ROLE` in a task worker, or `ERR_MILLRACE_NOT_RUNNING`.
   */
  task<Name extends RunName<T>>(name: Name, ...rest: TaskArguments<T, Name>): Promise<TaskResult<T, Name>>;
  task(name: string, value?: unknown, options?: RunOptions<never>): Promise<unknown> {
    if (this.#running === undefined) return Promise.reject(notStarted('task'));
    return this.#running.tasks.run(name, value, options as RunOptions);
  }

  /** Runs a task for each value; the results by index, `{ status: 'late' }` for those that the time-out cut off. */
  runAll<Name extends RunName<T>>(
    name: Name,
    values: readonly TaskValue<T, Name>[],
    options?: RunOptions<TaskReport<T, Name>>,
  ): Promise<Settled<TaskResult<T, Name>>[]>;
  async runAll(
    name: string,
    values: readonly unknown[],
    options?: RunOptions<never>,
  ): Promise<Settled<unknown>[]> {
    return this.#at('runAll').tasks.runAll(name, values, options as RunOptions);
  }

  /** Runs a task without waiting for its result; throws what keeps it from being taken, as `task` rejects. */
  post<Name extends RunName<T>>(name: Name, ...rest: TaskArguments<T, Name>): void;
  post(name: string, value?: unknown, options?: RunOptions<never>): void {
    this.#at('post').tasks.post(name, value, options as RunOptions);
  }

  /** Runs a task that gives several results; the task goes no further than the loop that takes them, but for 16. */
  stream<Name extends StreamName<T>>(
    name: Name,
    ...rest: TaskArguments<T, Name>
  ): AsyncIterableIterator<TaskItem<T, Name>>;
  stream(name: string, value?: unknown, options?: RunOptions<never>): AsyncIterableIterator<unknown> {
    return this.#at('stream').tasks.stream(name, value, options as RunOptions);
  }

  /**
   * Swoole's own form: hands `data` to the handler of `server.on('task', …)`. What that returns or sends by `task.finish` comes to
   * the handlers of `finish` in this process, or to `onFinish`; the promise resolves with what it returns. Rejects as `task`
   * does, and with `ERR_MILLRACE_HANDLER_MISSING`.
   */
  async plainTask(data: unknown, options: PlainTaskOptions = {}): Promise<unknown> {
    return this.#at('plainTask').tasks.plain(data, options);
  }

  /** Before the start it throws `ERR_MILLRACE_SESSION_ID`, as its members do after it, or `ERR_MILLRACE_NOT_RUNNING`. */
  #clientsFor(member: string, id: number): Clients {
    if (this.#running) return this.#running.clients;
    assertSessionId(id);
    throw notStarted(member);
  }

  /** Throws `ERR_MILLRACE_NOT_RUNNING` before the start. */
  #at(member: string): Running {
    if (this.#running === undefined) throw notStarted(member);
    return this.#running;
  }
}

/** Makes a server; the types of its tasks, and of what they are told beside their value, are inferred. See {@link Server}. */
// `T` has no default: a task's context would be inferred from that instead of from `Tasks`.
export function createServer<const T extends Tasks>(options: ServerOptions<T>): Server<Named<T>> {
  try {
    return new Server<Named<T>>(options as unknown as ServerOptions<Named<T>>);
  } catch (error) {
    throw shownAt(error, callSite(createServer));
  }
}

/** The tasks that have been named; none where there are no tasks to infer from. */
type Named<T extends Tasks> = string extends keyof T ? Record<never, never> : T;
