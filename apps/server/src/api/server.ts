import { inherit } from '@millrace/process-pool';
import { entryModule, hasParent } from '@millrace/process-pool/internal';
import type { Daemon } from '@millrace/process-pool/process';
import type { Columns, Table, TableDefinition } from '@millrace/shared-memory';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import type { Tasks } from '@millrace/task-pool';
import { MAX_PORTS } from '../constants.js';
import type { FromManager, FromWorker } from '../contract/control-messages.js';
import {
  checkEvent,
  Handlers,
  type PortEvents,
  SERVER_EVENTS,
  type ServerEvents,
} from '../contract/events.js';
import type { ProcessId, RoleName } from '../contract/ids.js';
import type { Role, RoleAssignment, RoleContext } from '../contract/role.js';
import type { Session } from '../contract/session.js';
import {
  captureUncaught,
  type FailedStart,
  failedStartOf,
  startFailureOf,
} from '../contract/start-failure.js';
import { callSite, ServerError, shownAt } from '../errors.js';
import { COUNTERS } from '../links/descriptor-names.js';
import { flatId } from '../links/process-kinds.js';
import { openCounters } from '../links/shared-resources.js';
import { managerPeer, masterPeer, type Topology, topologyOf } from '../links/topology.js';
import { type Logger, ProcessLog } from '../log/log.js';
import { LOG_FILE, takeLogFile } from '../log/log-files.js';
import type { ServerOptions } from '../options/options.js';
import type { PortOptions } from '../options/port-options.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { resolveOptions, resolvePort } from '../options/resolve-options.js';
import { assertSamePlan, planOf, type ServerPlan } from '../options/server-plan.js';
import { tellTest, tieToTest } from '../options/under-test.js';
import { userIdOf } from '../options/user-id.js';
import { applyIdentity } from '../process/identity.js';
import { spawnArguments } from '../process/spawn-arguments.js';
import { outliveLostOutput } from '../process/standard-streams.js';
import { leaveSignalsToMaster } from '../process/termination.js';
import { warmUp } from '../process/warm-up.js';
import type { UserFunctions } from '../reactor/reactor-context.js';
import { openBell, openSessionGateway } from '../sessions/open-gateway.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import type { Counters } from '../shared/counters.js';
import type { UserProcessHandler } from '../worker/user-process.js';
import { loadRole, type RoleParts } from './load-role.js';
import { Port } from './port.js';
import { assertHandlers } from './required-handlers.js';
import { ServerTasks } from './server-tasks.js';
import { SharedTables } from './shared-tables.js';

// Before the next line: a spare waits in that one, and must not end by them.
if (hasParent()) leaveSignalsToMaster();
// At once, not in `start`: from here on no process outlives its parent, whatever the entry module does first.
const child = inherit({ warmUp });
const assignment: RoleAssignment = (child?.data as RoleAssignment | undefined) ?? {
  role: 'master',
  id: 0,
  managerIncarnation: 0,
};

/** What the processes of the servers run that this process has been started for, or has started. */
const entries = new Set<string>();

/**
 * The starts of this program that have failed, in their order. A process below the master comes to the same lines first, and
 * fails at them alike, so that it takes its role in the server that did start.
 */
const startsFailed: FailedStart[] = [];

/**
 * Throws `ERR_MILLRACE_SECOND_SERVER`. Each process of a server runs its entry module from the beginning and takes its role in
 * the first `start` that it comes to: it would serve the second server's clients with the first one's handlers.
 */
function assertOnlyServer(entry: string): void {
  if (!entries.has(entry)) return;
  throw new ServerError(
    'ERR_MILLRACE_SECOND_SERVER',
    `A server has been started already whose processes run ${entry}, and a module can have one: they would take the roles of the first. ` +
      'For one more port call addListener before start, which returns a port with handlers of its own; ' +
      'for another server with processes of its own write another program, and start that.',
  );
}

/** Whether this process is one of those without which the server has not come up. */
const isOfFirstStart =
  child?.incarnation === 1 && (assignment.role === 'manager' || assignment.managerIncarnation === 1);

const endCapture = isOfFirstStart ? captureUncaught(tellFailure) : () => {};

/** Of the first processes the master tells what they fail at, once and last; and there are more that fail at the same. */
function tellFailure(error: unknown): void {
  if (child === undefined) return;
  const failure = startFailureOf(child.name, error);
  child.send({ type: 'startFailed', failure } satisfies FromWorker & FromManager);
}

/**
 * A server in Swoole's architecture. Every process of it runs the same entry module; `start` takes the role that the
 * process was started for. Everything before `start` therefore runs in each of them, and must be the same in each.
 */
export class Server<T extends Tasks = Tasks> extends ServerTasks<T> implements AsyncDisposable {
  /** What this process is. */
  readonly role: RoleName = assignment.role;
  readonly #options: ResolvedOptions;
  readonly #handlers = new Handlers<ServerEvents>();
  readonly #ports: Port[];
  readonly #log: ProcessLog;
  #role: Role | undefined;
  #started = false;
  readonly #userProcesses: UserProcessHandler[] = [];
  readonly #tables = new SharedTables(child);
  #gateway: SessionGateway | undefined;
  #bell: DoorbellListener | undefined;
  #counters: Counters | undefined;

  /** Throws `ERR_MILLRACE_OPTION` or `ERR_MILLRACE_UNKNOWN_OPTION`. */
  constructor(options: ServerOptions<T>) {
    super();
    this.#options = resolveOptions(options as ServerOptions);
    this.#ports = [new Port(this.#options.port)];
    const { logLevel, logFile } = this.#options;
    // Workers of another user write to it, too.
    const own = userIdOf(this.#options);
    const writers = own === undefined ? [] : [own];
    this.#log = new ProcessLog(logLevel, child?.name ?? assignment.role, logFile, writers);
    if (logFile !== undefined) this.#log.openFile(assignment.role === 'master');
  }

  /** Workers count from 0, then task workers, then user processes; undefined in the master and the manager. */
  get workerId(): number | undefined {
    return assignment.role === 'master' || assignment.role === 'manager' ? undefined : this.#peer;
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
    this.assertNotStarted('on');
    checkEvent(event, handler, SERVER_EVENTS);
    this.#handlers.add(event, handler);
    return this;
  }

  /** Listens on one more port, with handlers of its own where it is given some. Throws `ERR_MILLRACE_STARTED`. */
  addListener(options: PortOptions): Port {
    this.assertNotStarted('addListener');
    if (this.#ports.length === MAX_PORTS) {
      throw new ServerError('ERR_MILLRACE_OPTION', `A server has at most ${MAX_PORTS} listeners.`);
    }
    const port = new Port(resolvePort(options, this.#options));
    this.#ports.push(port);
    return port;
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
    this.assertNotStarted('start');
    // The master says so; the processes of the first server run the same lines, and are not to end by them.
    if (entries.size > 0 && child !== undefined) return new Promise(() => {});
    const { entry } = spawnArguments(this.#options);
    assertOnlyServer(entry);
    assertHandlers(this.#options, this.#handlers, this.#ports);
    this.#started = true;
    const failed = assignment.failedStarts?.[startsFailed.length];
    if (failed) {
      startsFailed.push(failed);
      throw new ServerError(failed.code, failed.message);
    }
    entries.add(entry);
    try {
      await this.#begin();
    } catch (error) {
      // Nothing of it is left, so it is not the one server of the program. Who runs the same lines is to fail there, too.
      if (child === undefined) {
        entries.delete(entry);
        if (entry === entryModule()) startsFailed.push(failedStartOf(error));
      }
      throw error;
    }
  }

  async #begin(): Promise<void> {
    outliveLostOutput((name, error) => this.#log.outputLost(name, error));
    const takeRole = await loadRole(assignment.role, this.#options);
    // The same for its log: whatever is to be loaded is not below a new root directory. And whoever accepts clients cannot
    // open a file any more when it has to say that they have taken all descriptors.
    const accepts =
      assignment.role === 'master' || (assignment.role === 'worker' && this.#options.mode === 'base');
    // Who becomes another user may not be able to read the modules that the log takes.
    const { user, group, chroot } = this.#options;
    const isOther = user !== undefined || group !== undefined || chroot !== undefined;
    if (isOther || accepts) this.#log.load();
    if (assignment.role === 'master') tieToTest();
    let daemon: Daemon | undefined;
    try {
      assertSamePlan(this.#plan, assignment.plan);
      const functions = await this.#importFunctions();
      daemon = await applyIdentity(this.#options, assignment.role);
      const logFiles = child?.descriptors.get(LOG_FILE);
      if (logFiles !== undefined) this.#log.openBy(() => takeLogFile(logFiles));
      await this.#takeRole(takeRole, functions);
    } catch (error) {
      daemon?.failed(shownAt(error, ''));
      if (isOfFirstStart) {
        tellFailure(error);
        process.exit(1);
      }
      throw error;
    }
    endCapture();
    daemon?.ready();
    // A handler of `start` may have ended the server.
    if (assignment.role === 'master' && this.#role?.gateway) tellTest(this.addresses);
  }

  get #plan(): ServerPlan {
    const ports = this.#ports.map(({ options }) => options);
    return planOf(this.#options, ports, this.#userProcesses.length);
  }

  /** A worker of base mode imports the framings of its listeners while it has the root directory where their modules are. */
  async #importFunctions(): Promise<UserFunctions | undefined> {
    if (assignment.role !== 'worker' || this.#options.mode !== 'base') return undefined;
    const { importUserFunctions } = await import('../reactor/user-functions.js');
    return importUserFunctions(
      this.#ports.map(({ options }) => options),
      undefined,
    );
  }

  async #takeRole(takeRole: (parts: RoleParts) => Role, functions: UserFunctions | undefined): Promise<void> {
    this.#role = takeRole({ ...this.#roleParts(), functions });
    const countLost = (lines: number) => this.#countLostLines(lines);
    if (child) this.#log.countBy(countLost);
    await this.#role.start();
    // The master has made the counters by now.
    if (child === undefined) this.#log.countBy(countLost);
    this.startMessages();
  }

  /**
   * Runs `handler` in a process of its own that is kept alive, and tells it apart by the order of the calls. Returns its
   * flat id, for `sendMessage`. Throws `ERR_MILLRACE_STARTED`.
   */
  addProcess(handler: UserProcessHandler): number {
    this.assertNotStarted('addProcess');
    const { workerNum, taskWorkerNum } = this.#options;
    return workerNum + taskWorkerNum + this.#userProcesses.push(handler) - 1;
  }

  /**
   * A table that every process of the server shares, of this run of it: it has no name in the system, so it begins empty, no other
   * server or user can open it, and it is gone with the server, however that ends. It stays as it is in a reload. Tables are the
   * same in every process: add them before `start`. Throws `ERR_MILLRACE_STARTED`, `ERR_MILLRACE_OPTION`, and a
   * `SharedMemoryError` for a definition that cannot be or is not the master's.
   */
  addTable<const C extends Columns>(name: string, definition: TableDefinition<C>): Table<C> {
    this.assertNotStarted('addTable');
    return this.#tables.add(name, definition);
  }

  /** Ends the server at the end of an `await using` block, in the master; in other processes it does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.role === 'master') await this.#role?.shutdown?.();
  }

  /** Returns how many have been lost before. */
  #countLostLines(lines: number): number {
    const fd = child ? child.descriptor(COUNTERS) : this.#role?.resources?.[COUNTERS];
    if (fd !== undefined) this.#counters ??= openCounters(this.topology, fd);
    return this.#counters?.loseLogLines(lines) ?? 0;
  }

  #roleParts(): Omit<RoleParts, 'functions'> {
    const log = this.#log;
    const context: RoleContext = {
      options: this.#options,
      ports: this.#ports.map((port) => port.options),
      handlers: this.#handlers,
      portHandlers: (index) => this.#portHandlers(index),
      get log() {
        return log.log;
      },
      flushMessages: () => this.flushMessages(this.#options.maxWaitTime),
      stopMessages: () => this.stopMessages(this.#options.maxWaitTime),
      closeMessages: () => this.closeMessages(),
      flushClients: async () => this.#gateway?.flush(),
      endTimers: () => this.endTimers(),
      describeTimers: () => this.describeTimers(),
      reopenLog: () => log.reopen(),
      bell: () => this.#ownBell(),
      plan: this.#plan,
      failedStarts: assignment.failedStarts ?? [...startsFailed],
      settleLost: () => (this.#role?.gateway ?? this.#gateway)?.settleLost(),
      resetLink: (reactor) => (this.#role?.gateway ?? this.#gateway)?.resetLink(reactor) === true,
    };
    return {
      context,
      topology: this.topology,
      assignment,
      child,
      userProcesses: this.#userProcesses,
      tables: this.#tables.descriptors,
    };
  }

  protected override get topology(): Topology {
    const ports = this.#ports.map(({ options }) => options);
    return topologyOf(this.#options, ports, this.#userProcesses.length, this.#tables.names);
  }

  protected override get options(): ResolvedOptions {
    return this.#options;
  }

  protected override get roleAtWork(): Role | undefined {
    return this.#role;
  }

  protected override tellManager(message: FromWorker): void {
    child?.send(message);
  }

  protected override get handlers(): Handlers<ServerEvents> {
    return this.#handlers;
  }

  protected override get listeners(): readonly Port[] {
    return this.#ports;
  }

  protected override sessionOf(id: number): Session | undefined {
    return this.#role?.sessions?.get(id);
  }

  protected override clients(member: string): SessionGateway {
    const own = this.#role?.gateway ?? this.#gateway;
    if (own) return own;
    if (this.#role === undefined || child === undefined)
      throw new ServerError('ERR_MILLRACE_NOT_RUNNING', `${member} needs a started server.`);
    const ports = this.#ports.map(({ options }) => options);
    const { lease } = this.#role;
    const bell = lease === undefined ? this.#ownBell() : undefined;
    const onCorrupt = (reactor: number, error: Error) => this.#linkCorrupt(reactor, error);
    this.#gateway = openSessionGateway(
      child,
      this.topology,
      this.#peer,
      ports,
      lease,
      bell,
      onCorrupt,
      this.#log,
    );
    return this.#gateway;
  }

  #linkCorrupt(reactor: number, error: Error): void {
    if (this.#role?.linkCorrupt) return this.#role.linkCorrupt(reactor, error);
    this.#log.log.error(`what comes from reactor ${reactor} makes no sense: ${error.message}`);
    this.tellManager({ type: 'linkCorrupt', peer: this.#peer });
  }

  /** Links and tasks share it. */
  #ownBell(): DoorbellListener {
    if (child === undefined) throw new Error('The master listens to its bell with its reactors.');
    this.#bell ??= openBell(child, this.topology, this.#peer, this.#log);
    return this.#bell;
  }

  /** Who this process is among the peers. */
  get #peer(): number {
    if (assignment.role === 'master') return masterPeer(this.topology);
    return assignment.role === 'manager'
      ? managerPeer(this.topology)
      : flatId(assignment.role, this.topology, assignment.id);
  }

  protected override get processId(): ProcessId {
    return this.idOfPeer(this.#peer);
  }

  protected override get isReachable(): boolean {
    return this.#role !== undefined && (this.#role.lease?.isHeld ?? true);
  }

  protected override messengerParts() {
    if (this.#role === undefined) return undefined;
    const peer = this.#peer;
    if (child) return { peer, borrowed: false, descriptor: (name: string) => child.descriptor(name) };
    const { resources = {} } = this.#role;
    // The master has ended the server, perhaps in a handler of `start`.
    if (Object.keys(resources).length === 0) return undefined;
    return { peer, borrowed: true, descriptor: (name: string) => resources[name] ?? -1 };
  }

  readonly #merged: Handlers<PortEvents>[] = [];

  /** A listener's own handlers, and the server's for events that it has none for. */
  #portHandlers(index: number): Handlers<PortEvents> {
    const made = this.#merged[index];
    if (made) return made;
    const merged = (this.#ports[index] as Port).handlersWith(this.#handlers);
    this.#merged[index] = merged;
    return merged;
  }

  protected override assertNotStarted(method: string): void {
    if (!this.#started) return;
    throw new ServerError(
      'ERR_MILLRACE_STARTED',
      `${method} belongs before start; this server has been started.`,
    );
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
