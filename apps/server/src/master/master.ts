import type { Repetition } from '@millrace/channel';
import { Alarm } from '@millrace/channel/internal';
import { processStat } from '@millrace/native/internal';
import type { Exit, Member, ProcessPool } from '@millrace/process-pool';
import type { AheadProcesses } from '@millrace/process-pool/internal';
import { closeDescriptors } from '@millrace/process-pool/links';
import { reapOrphans } from '@millrace/process-pool/process';
import { Listener, Reactor } from '@millrace/reactor';
import type { LargeValueFiles, TaskSubmitter } from '@millrace/task-pool/internal';
import { RESTORE_MS } from '../constants.js';
import type { ToManager } from '../contract/control-messages.js';
import type { DiagnosisKind } from '../contract/diagnosis.js';
import { runInOrder } from '../contract/events.js';
import { asListener, type PeerId, type ReactorIndex, workerOfReactor } from '../contract/ids.js';
import type { ReloadOptions, ReloadResult } from '../contract/reload.js';
import type { ScaleOptions, ScaleResult } from '../contract/scale.js';
import type { ServerControl } from '../contract/server-control.js';
import { errorOf, type StartFailure } from '../contract/start-failure.js';
import { ANSWER_FILE, openAnswerFile } from '../diagnosis/answer-file.js';
import { ServerError } from '../errors.js';
import { corruptLink, linkOfReactorCorrupt } from '../links/corrupt-links.js';
import { type Descriptors, LOG_RING, NUMBERS } from '../links/descriptor-names.js';
import { linksOf } from '../links/server-plan.js';
import { openLogRing } from '../links/shared-resources.js';
import { managerPeer, masterPeer, type Topology } from '../links/topology.js';
import { LogLimit } from '../log/log.js';
import { HangWatch } from '../manager/hang-watch.js';
import { restartCause } from '../manager/restart-cause.js';
import { ownRegistries } from '../metrics/program-registries.js';
import { beat } from '../process/heartbeat.js';
import { ProcessPids } from '../process/process-pids.js';
import type { RoleContext } from '../process/role-context.js';
import { untilSettled } from '../process/settling.js';
import type { Acceptor } from '../reactor/acceptor.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import { restoredText } from '../shared/counter-block.js';
import * as counters from '../shared/counters-layout.js';
import { notRunning } from '../tasks/not-running.js';
import { QueueOwner } from '../tasks/queue-owner.js';
import type { RoleTasks } from '../tasks/role-tasks.js';
import { openUpperFiles, planTaskFiles } from '../tasks/task-files.js';
import { openAcceptingThreads } from './accepting-threads.js';
import { AdminInterface } from './admin-interface.js';
import { beforeShutdown } from './before-shutdown.js';
import { checkMemory } from './check-memory.js';
import { DiagnosisOrders } from './diagnosis-orders.js';
import { ListenerTls } from './listener-tls.js';
import { type Bound, numberOf } from './listeners.js';
import { ManagerMessages } from './manager-messages.js';
import { managerPool } from './manager-pool.js';
import { checkOpenFiles, tooFewOpenFiles } from './open-files.js';
import { PidFile } from './pid-file.js';
import { ProgramOutput } from './program-output.js';
import { ProgramPlaces } from './program-places.js';
import type { Reactors } from './reactors.js';
import { ReloadRequests } from './reload-requests.js';
import { ServerShutdown } from './server-shutdown.js';
import { ServerSizing } from './server-sizing.js';
import { ServerSockets } from './server-sockets.js';
import { ServiceManager } from './service-manager.js';
import { servesClients, workersAtWork } from './serving.js';
import { listenToSignals } from './signals.js';
import { StartStages } from './start-stages.js';
import { WorkerReactors } from './worker-reactors.js';

export interface MasterParts {
  /** The user's, for all below. */
  readonly tables: Descriptors;
  /** Where there are task workers. */
  readonly Tasks: typeof RoleTasks | undefined;
  /** The manager's process, where it has been started before this role was loaded. */
  readonly ahead: AheadProcesses | undefined;
}

/** Of the process that the kernel, or a container, starts first. */
const FIRST_PID = 1;

/**
 * Accepts connections, hands them to reactor threads, watches the manager. Runs no user code but its own events.
 *
 * The file is long because the start and the end of the server stand in one place, in their order: each step takes back what
 * those before it have made when it fails. Signals, sockets, reloads and what the manager says have files of their own.
 */
export class MasterRole implements ServerControl {
  readonly name = 'master';
  readonly #context: RoleContext;
  readonly #topology: Topology;
  readonly #limit: LogLimit;
  readonly #reactor = new Reactor();
  readonly #reloads = new ReloadRequests((message) => this.#tellManager(message));
  readonly #sizing: ServerSizing;
  readonly #pidFile: PidFile | undefined;
  #ignoreSignals: () => void = () => {};
  #sayMemory: () => void = () => {};
  #sockets: ServerSockets | undefined;
  #resources: Descriptors = {};
  #taskFiles: LargeValueFiles | undefined;
  #queue: QueueOwner | undefined;
  #admin: AdminInterface | undefined;
  #output: ProgramOutput | undefined;
  readonly #service: ServiceManager;
  /** In a container: there is no other process that would wait for orphans. */
  #orphans: Disposable | undefined;
  #reactors: Reactors | undefined;
  /** In process mode, where there are several reactor threads. */
  #acceptor: Acceptor | undefined;
  #manager: ProcessPool | undefined;
  #startFailure: StartFailure | undefined;
  readonly #stages = new StartStages();
  /** Resolves when the first workers have come up. */
  readonly #workersUp: Promise<void>;
  #areUp!: () => void;
  /** Resolves when clients come in: what the start can do without begins then. */
  readonly #clientsIn: Promise<void>;
  #areIn!: () => void;
  /** Clients come in. */
  #isAccepting = false;
  /** Everything has come up once. */
  #running = false;
  #ending: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  /** `start` has resolved, or is about to. */
  #settled = false;
  /** A signal has asked for the end, so that the process ends as well. */
  #signalled = false;
  readonly #end: ServerShutdown;
  readonly #tls: ListenerTls;
  readonly #places: ProgramPlaces;
  readonly #messages: ManagerMessages;

  readonly #tables: Descriptors;
  readonly #ahead: AheadProcesses | undefined;
  readonly #tasks: RoleTasks | undefined;
  #pids: ProcessPids | undefined;
  #diagnoses: DiagnosisOrders | undefined;
  /** Of the manager. */
  #watch: HangWatch | undefined;
  #restoring: Repetition | undefined;
  #stopBeat: () => void = () => {};

  constructor(context: RoleContext, topology: Topology, { tables, Tasks, ahead }: MasterParts) {
    this.#workersUp = new Promise((resolve) => {
      this.#areUp = resolve;
    });
    this.#clientsIn = new Promise((resolve) => {
      this.#areIn = resolve;
    });
    this.#context = context;
    this.#topology = topology;
    this.#tables = tables;
    this.#ahead = ahead;
    this.#tasks = Tasks && new Tasks(() => this.#taskParts());
    this.#limit = new LogLimit(context);
    this.#tls = new ListenerTls(context.ports, context.options);
    this.#sizing = new ServerSizing({
      topology,
      reactors: () => this.#reactors,
      counters: () => this.openGateway()?.counters,
      tellManager: (message) => this.#tellManager(message),
    });
    this.#places = new ProgramPlaces({
      context,
      topology,
      tls: this.#tls,
      reactors: () => this.#reactors,
      resources: () => this.#resources,
      tellManager: (message) => void this.#tellManager(message),
      count: (index, port) => this.#count(counters.PORTS + index, port),
      accept: (socket, index) => this.#acceptor?.listen(this.#reactor, socket, index),
    });
    this.#messages = new ManagerMessages({
      context,
      reloads: this.#reloads,
      sizing: this.#sizing,
      places: this.#places,
      tasks: this.#tasks,
      reactors: () => this.#reactors,
      watch: () => this.#watch,
      isEnding: () => this.#ending !== undefined,
      tellManager: (message) => this.#tellManager(message),
      managerBegun: () => this.#stages.reach('manager'),
      workersUp: () => this.#areUp(),
      startFailed: (failure) => {
        this.#startFailure ??= failure;
      },
      endFromBelow: () => this.#endFromBelow(),
      reloadCertificates: () => this.reloadCertificates(),
    });
    this.#service = new ServiceManager({
      works: () => {
        const shared = this.openGateway()?.counters;
        return shared !== undefined && servesClients(shared, topology);
      },
      status: () => this.#statusText(),
      onError: (error) =>
        context.log.warn({ err: error }, 'the service manager cannot be told how the server is'),
    });
    this.#end = new ServerShutdown(context);
    this.#pidFile = context.options.pidFile === undefined ? undefined : new PidFile(context.options.pidFile);
  }

  /** It is opened with the reactors: undefined before that, and after the end. */
  openGateway(): SessionGateway | undefined {
    return this.#reactors?.gateway;
  }

  /** The memory and pipes that this server shares; empty before it runs. */
  get resources(): Descriptors {
    return this.#resources;
  }

  /** Opens what asking task workers takes, where there are any. Throws `ERR_MILLRACE_NOT_RUNNING` before the server runs. */
  openTasks(): TaskSubmitter | undefined {
    if (this.#tasks !== undefined && this.#reactors === undefined)
      throw notRunning('the server is not started yet.');
    return this.#tasks?.client;
  }

  async start(): Promise<void> {
    // Before there is anything that a signal could leave behind.
    this.#ignoreSignals = listenToSignals({
      stop: () => this.#stopAsked(),
      reload: (tasksOnly) => void this.reload({ tasksOnly }),
      reopenLog: () => this.reopenLog(),
    });
    if (process.pid === FIRST_PID) this.#orphans = reapOrphans();
    try {
      await this.#open();
    } catch (error) {
      if (this.#ending) return this.#stoppedInStart();
      await this.#close();
      this.#forget();
      this.#ignoreSignals();
      throw tooFewOpenFiles(error) ?? error;
    }
    if (this.#ending) return this.#stoppedInStart();
    this.#running = true;
    this.#count(counters.STATE, counters.SERVER_RUNNING);
    this.#context.log.info(this.#stages.figures, this.#stages.text);
    const { handlers } = this.#context;
    await untilSettled(
      this.#context,
      'start',
      'start() does not resolve before it has',
      runInOrder(handlers.get('start')),
    );
    this.#settled = true;
    this.#service.ready();
  }

  /** Clients come in from when the workers are up; `start` waits for the other processes as well. */
  async #accept(): Promise<void> {
    await this.#workersUp;
    if (this.#ending) return;
    this.#isAccepting = true;
    const { processLog } = this.#context;
    // To say that clients have taken all descriptors, which it could not load then: before they come in here.
    if (this.#acceptor !== undefined) processLog.prepare();
    for (const [index, listener] of (this.#sockets as ServerSockets).listeners.entries())
      if (listener instanceof Listener) this.#acceptor?.listen(this.#reactor, listener, asListener(index));
    await this.#places.accept();
    this.#reactors?.listen();
    this.#stages.reach('workers');
    // A thread that lets them in leaves some; they need not wait for this.
    processLog.prepare();
    this.#sayMemory();
    this.#areIn();
  }

  /** Ends everything in order: no new clients, the workers finish what they have, the answers go out, all is closed. */
  shutdown(): Promise<void> {
    this.#ending ??= this.#shutdown();
    return this.#ending;
  }

  /** What waits for the start is rejected with the reason, unless the process ends. */
  async #stoppedInStart(): Promise<void> {
    await this.#ending;
    if (this.#signalled) return new Promise(() => {});
    throw new ServerError(
      'ERR_MILLRACE_STOPPED',
      'The server was stopped by shutdown() before its start was through; everything is closed again.',
    );
  }

  /** Puts new processes in the places of the workers. */
  async reload(options: ReloadOptions = {}): Promise<ReloadResult> {
    if (this.#ending) return { outcome: 'stopped', replaced: 0 };
    return this.#service.reloading(this.#reloads.ask(options));
  }

  /** Has more or fewer workers and task workers from then on. */
  async scale(options: ScaleOptions): Promise<ScaleResult> {
    const { workers, taskWorkers } = this.#sizing.size;
    if (this.#ending) return { outcome: 'stopped', workers, taskWorkers };
    return this.#sizing.scale(options);
  }

  /** Puts a new process in the place of the one with that flat id. */
  async stopWorker(id: PeerId): Promise<ReloadResult> {
    if (this.#ending) return { outcome: 'stopped', replaced: 0 };
    return this.#reloads.askToStop(id);
  }

  pidOf(peer: PeerId): number | undefined {
    const manager = this.#manager?.members[0]?.pid;
    if (peer === managerPeer(this.#topology)) return manager;
    const pid = this.#pids?.get(peer);
    // Written where processes below may write: what is no child of the manager is none of them.
    return pid !== undefined && manager !== undefined && processStat(pid)?.parent === manager
      ? pid
      : undefined;
  }

  /** Every process opens the log file anew. */
  reopenLog(): void {
    this.#context.processLog.reopen();
    this.#output?.reopenLog();
    this.#tellManager({ type: 'reopenLog' });
  }

  /** New clients get the certificates that the files hold now. Throws `ERR_MILLRACE_TLS`; then all stays as it is. */
  reloadCertificates(): void {
    if (!this.#topology.tls || this.#reactors === undefined) return;
    this.#tls.read();
    this.#reactors.replaceTls(this.#tls.all);
    this.#context.log.info('new clients get the certificates that the files hold now');
  }

  /** Whether there is a manager that takes it. */
  #tellManager(message: ToManager): boolean {
    return this.#manager?.members[0]?.send(message) !== undefined;
  }

  #stopAsked(): void {
    const which = this.#end.asked();
    if (which === 'first') void this.#endProcess();
    else if (which === 'again') this.#end.hasten();
  }

  /** After a signal the process is to end, whatever the program has open besides the server. */
  async #endProcess(): Promise<void> {
    this.#signalled = true;
    await this.shutdown();
    // What waits for the start would wait for ever.
    if (!this.#settled) process.exit();
    const { maxWaitTime } = this.#context.options;
    new Alarm(maxWaitTime, () => {
      this.#context.log.warn(
        `something keeps the process alive ${maxWaitTime} ms after the server has ended; it exits`,
      );
      process.exit();
    }).unref();
  }

  /** A process below has asked for it: that asks once, whatever is under way. */
  #endFromBelow(): void {
    if (this.#ending === undefined) void this.#endProcess();
  }

  #taskParts() {
    const { listener, gateway } = this.#reactors as Reactors;
    const peer = masterPeer(this.#topology);
    return {
      context: this.#context,
      topology: this.#topology,
      peer,
      incarnation: 1,
      find: (name: string) => this.#resources[name] ?? -1,
      borrowed: true,
      listener,
      counters: gateway.counters.process(peer),
      files: this.#taskFiles && openUpperFiles(this.#context.options, this.#taskFiles.path),
      run: undefined,
      replace: (replaced: PeerId) => this.#tellManager({ type: 'linkCorrupt', peer: replaced }),
    };
  }

  async #open(): Promise<void> {
    this.#pidFile?.make();
    this.#admin = this.#openAdmin();
    this.#tls.read();
    this.#sockets = new ServerSockets(this.#context.ports, this.#topology);
    checkOpenFiles(this.#context);
    this.#sayMemory = checkMemory(this.#context, this.#topology);
    this.#resources = linksOf(this.#topology).create();
    this.#context.processLog.keepIn(openLogRing(this.#resources[LOG_RING] as number));
    if (this.#admin) this.#openAnswerFile();
    this.#context.messages.open({ borrowed: true, descriptor: (name) => this.#resources[name] ?? -1 });
    this.#planTasks();
    const registries = ownRegistries();
    if (this.#context.options.programOutput === 'log') {
      const ring = this.#resources[LOG_RING] as number;
      this.#output = new ProgramOutput(this.#context, this.#topology, ring, this.#clientsIn);
    }
    const metrics = { [NUMBERS]: this.#context.numbers.descriptor, ...registries };
    const descriptors = {
      ...this.#resources,
      ...this.#output?.descriptors,
      ...this.#sockets.inherited,
      ...this.#tables,
      ...metrics,
    };
    const tasks = { taskFiles: this.#taskFiles?.path, taskRun: this.#queue?.run };
    this.#manager = managerPool(this.#context, descriptors, tasks, () => this.#sizing.size, this.#ahead, {
      onSpawn: ({ pid, incarnation }) => {
        if (incarnation > 1) this.#pids?.replaced(managerPeer(this.#topology));
        this.#pids?.set(managerPeer(this.#topology), pid as number);
        this.#stages.reach('master');
        this.#reloads.managerSpawned();
        this.#sizing.managerSpawned();
      },
      onReady: ({ pid }) => {
        this.#pids?.ready(managerPeer(this.#topology), pid as number);
        this.#end.managerChanged();
      },
      onMessage: (member, body) => this.#messages.heard(member, body),
      onExit: (member, exit, delay) => this.#managerEnded(member, exit, delay),
    });
    this.#reactors = this.#openReactors(this.#sockets.listeners);
    const { counters: counted } = this.#reactors.gateway;
    this.#watch = new HangWatch({
      context: this.#context,
      pool: this.#manager,
      counters: counted,
      idOf: () => managerPeer(this.#topology),
    });
    this.#pids = new ProcessPids(counted);
    this.#pids.set(masterPeer(this.#topology), process.pid);
    this.#pids.ready(masterPeer(this.#topology), process.pid);
    this.#stopBeat = beat(counted.process(masterPeer(this.#topology)), this.#context.loop('master', 0));
    counted.keepServer();
    this.#sizing.publish();
    this.#restoring = this.#reactor.poller.every(RESTORE_MS, () => this.#restoreCounters());
    this.#diagnoses = new DiagnosisOrders({
      counters: counted,
      own: this.#context.diagnosis,
      tellManager: (message) => this.#tellManager(message),
    });
    this.#count(counters.START_TIME, Date.now());
    this.#count(counters.STATE, counters.SERVER_STARTING);
    for (const [index, bound] of this.#sockets.listeners.entries())
      if (bound !== undefined) this.#count(counters.PORTS + index, numberOf(bound));
    const shared = { ...this.#resources, ...this.#tables, ...this.#output?.descriptors, ...metrics };
    this.#admin?.start(shared, Object.keys(registries), this.#clientsIn);
    try {
      const threads = this.#reactors.ready();
      await Promise.all([threads, this.#manager.start(), threads.then(() => this.#accept())]);
    } catch (cause) {
      if (this.#startFailure) throw errorOf(this.#startFailure);
      const message =
        'The processes and threads of the server did not come up; what they wrote above is the reason.';
      throw new ServerError('ERR_MILLRACE_START_FAILED', message, { cause });
    }
  }

  #openAnswerFile(): void {
    const file = openAnswerFile();
    if (typeof file === 'number') this.#resources = { ...this.#resources, [ANSWER_FILE]: file };
    else
      this.#context.log.warn(
        { err: file },
        'no process of this server can be profiled or debugged: there is no room for a file',
      );
  }

  /** Throws `ERR_MILLRACE_ADMIN` and `ERR_MILLRACE_NAME_TAKEN`. */
  #openAdmin(): AdminInterface | undefined {
    const { admin } = this.#context.options;
    if (admin === undefined) return undefined;
    const host = {
      reload: (options: ReloadOptions) => this.reload(options),
      scale: (options: ScaleOptions) => this.scale(options),
      shutdown: () => this.#endFromBelow(),
      pidOf: (peer: PeerId) => (peer === masterPeer(this.#topology) ? process.pid : this.pidOf(peer)),
      diagnose: (peer: PeerId, pid: number, kind: DiagnosisKind) => this.#diagnoses?.give(peer, pid, kind),
    };
    try {
      return new AdminInterface(this.#context, this.#topology, host, admin);
    } catch (error) {
      if (!admin.optional) throw error;
      this.#context.log.warn(`the server runs without an admin interface: ${(error as Error).message}`);
      return undefined;
    }
  }

  #planTasks(): void {
    const { taskWorkers, taskQueue } = this.#topology;
    if (taskWorkers === 0) return;
    const { options } = this.#context;
    this.#taskFiles = planTaskFiles(options, taskQueue);
    if (options.user === undefined) {
      try {
        this.#taskFiles.make();
      } catch (error) {
        // A directory that cannot be written, of a container say, is in the way of large values alone.
        this.#context.log.warn(`tasks with large values will fail: ${(error as Error).message}`);
      }
    }
    if (taskQueue !== undefined) this.#queue = new QueueOwner(taskQueue, this.#taskFiles, this.#context);
  }

  #openReactors(listeners: readonly (Bound | undefined)[]): Reactors {
    const { ports } = this.#context;
    const tls = this.#tls.all;
    if (this.#topology.base)
      return new WorkerReactors(
        this.#topology,
        this.#resources,
        ports,
        tls,
        (reactor, error) => {
          this.#limit.warn('corrupt', linkOfReactorCorrupt(reactor, error));
          this.#tellManager({ type: 'linkCorrupt', peer: workerOfReactor(reactor) });
        },
        this.#context,
      );
    const { threads, acceptor } = openAcceptingThreads(
      this.#context,
      { topology: this.#topology, resources: this.#resources, listeners, tls, limit: this.#limit },
      {
        onCorrupt: (peer, reactor, why) => {
          this.#context.log.error(corruptLink(this.#topology, peer, reactor, why));
          this.#tellManager({ type: 'linkCorrupt', peer });
        },
        onCrash: (reactor, error) => this.#reactorCrashed(reactor, error),
      },
    );
    this.#acceptor = acceptor;
    return threads;
  }

  #restoreCounters(): void {
    const restored = this.openGateway()?.counters.restoreServer() ?? 0;
    if (restored > 0) this.#limit.warn('counters', restoredText(restored, 'the server'));
  }

  #statusText(): string {
    const shared = this.openGateway()?.counters;
    if (shared === undefined) return 'starting';
    const { workers } = this.#sizing.size;
    return `${workersAtWork(shared, this.#topology)} of ${workers} workers serve clients`;
  }

  #count(counter: number, value: number): void {
    this.openGateway()?.counters.setServer(counter, value);
  }

  #managerEnded(_member: Member, exit: Exit, delay: number | undefined): void {
    const { pid, code, signal, error } = exit;
    const hung = pid !== undefined && this.#watch?.hasKilled(pid) === true;
    this.#reloads.managerEnded(this.#ending !== undefined);
    this.#processesEnded(pid);
    this.#end.managerChanged();
    if (this.#ending) return;
    if (code !== 0) this.#pids?.failed(managerPeer(this.#topology), exit);
    const how = error ? `(${error.message})` : signal ? `by ${signal}` : `with code ${code}`;
    if (delay === undefined) void this.#fail(`the manager ended ${how} and is not started again`);
    else {
      this.#context.numbers.restarted('manager', restartCause(exit, hung));
      this.#context.log.error(
        { code, signal },
        `the manager ended ${how}; it is replaced, and its processes with it`,
      );
    }
  }

  /** The kernel ends what is below a manager with it. */
  #processesEnded(manager: number | undefined): void {
    if (manager !== undefined) this.#watch?.ended(manager);
    this.#pids?.ended(managerPeer(this.#topology), manager);
    this.#pids?.allEnded(0, managerPeer(this.#topology));
    const exit = { code: null, signal: 'SIGKILL' } as const;
    for (let taskWorker = 0; taskWorker < this.#topology.taskWorkers; taskWorker++)
      this.#tasks?.heard({ type: 'taskWorkerDied', taskWorker, exit, corrupt: false });
  }

  #reactorCrashed(reactor: ReactorIndex, error: unknown): void {
    this.#context.log.fatal({ err: error }, `reactor thread ${reactor} has failed`);
    void this.#fail(`reactor thread ${reactor} has failed`);
  }

  async #fail(reason: string): Promise<void> {
    // A start that fails rejects the call that asked for it.
    if (!this.#running || this.#ending) return;
    this.#context.log.fatal(`the server ends: ${reason}`);
    process.exitCode = 1;
    await this.shutdown();
  }

  async #shutdown(): Promise<void> {
    this.#service.stopping();
    this.#context.log.info('shutting down');
    this.#reloads.close();
    this.#sizing.close();
    this.#count(counters.STATE, counters.SERVER_STOPPING);
    // Of a start that is not through the handlers have heard nothing.
    const hasStarted = this.#running;
    const hasServed = this.#isAccepting;
    if (hasStarted) await beforeShutdown(this.#context, this.#end.hurry);
    await this.#threadsUp();
    this.#closeListeners();
    this.#reactors?.quiesce();
    await this.#tasks?.finish(this.#context.options.maxWaitTime, this.#end.hurry);
    if (this.#manager) await this.#end.stopManager(this.#manager, hasServed && !this.#topology.base);
    await this.#close();
    this.#ignoreSignals();
    if (hasStarted) {
      const handlers = runInOrder(this.#context.handlers.get('shutdown'));
      await untilSettled(this.#context, 'shutdown', 'the process does not end before it has', handlers);
    }
    this.#forget();
    this.#context.timers.end();
    this.#service.close();
    this.#context.log.info('stopped');
  }

  /** Handlers of `shutdown` may read what has been counted; a later call is told that the server does not run. */
  #forget(): void {
    this.#restoring?.close();
    this.#stopBeat();
    this.#reactors?.close();
    this.#reactors = undefined;
  }

  #closeListeners(): void {
    this.#places.close(this.#topology.base !== undefined);
    this.#sockets?.stopListening();
  }

  /** Gives up whatever is open, once; also after a start that failed half-way. */
  #close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  /** Threads that still come up take what is opened for them: it must not be closed, and be something else, by then. */
  async #threadsUp(): Promise<void> {
    if (!this.#running) await this.#reactors?.settled(this.#context.options.maxWaitTime, this.#end.hurry);
  }

  async #closeAll(): Promise<void> {
    await this.#threadsUp();
    this.#closeListeners();
    if (this.#manager === undefined) await this.#ahead?.close();
    await this.#manager?.stop({ timeout: this.#context.options.maxWaitTime });
    this.#watch?.close();
    this.#tasks?.close();
    this.#pids = undefined;
    await this.#reactors?.stop(this.#context.options.maxWaitTime, this.#end.hurry);
    await this.#admin?.close();
    await this.#output?.close();
    this.#sockets?.close();
    this.#reactor.close();
    this.#context.messages.close();
    closeDescriptors(this.#resources);
    this.#context.numbers.close();
    this.#resources = {};
    if (this.#queue !== undefined) this.#queue.close();
    else if (this.#topology.taskQueue === undefined) this.#taskFiles?.remove();
    this.#orphans?.[Symbol.dispose]();
    this.#removePidFile();
  }

  /** The end is not to fail at a file that cannot be removed: a file system that only reads by now, say. */
  #removePidFile(): void {
    try {
      this.#pidFile?.remove();
    } catch (error) {
      this.#context.log.warn({ err: error }, 'the pidFile stays: it cannot be removed');
    }
  }
}
