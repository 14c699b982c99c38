import { Alarm } from '@millrace/channel/internal';
import {
  type ChildProcessContext,
  type Exit,
  type Member,
  type MemberSpec,
  type ReloadResult as PoolReloadResult,
  ProcessPool,
} from '@millrace/process-pool';
import { MergingQueue } from '@millrace/process-pool/internal';
import type { TaskClient } from '@millrace/task-pool/internal';
import { LinkResets, resetRings } from '../base/link-resets.js';
import { Reaper } from '../base/reaper.js';
import { KILL_GRACE_MS, LEFT_FILES_MS } from '../constants.js';
import {
  controlMessage,
  type FromManager,
  type FromWorker,
  type StartFailed,
  type TaskWorkerDied,
  type TaskWorkerUp,
  type ToManager,
  type ToWorker,
  unknownMessage,
} from '../contract/control-messages.js';
import { runInOrder } from '../contract/events.js';
import type { RoleName } from '../contract/ids.js';
import type { ReloadOptions, ReloadResult } from '../contract/reload.js';
import type { RoleAssignment } from '../contract/role.js';
import type { ServerControl } from '../contract/server-control.js';
import { errorOf, type StartFailure, startFailureOf } from '../contract/start-failure.js';
import { linkOfReactorCorrupt } from '../links/corrupt-links.js';
import { flatId, processKind } from '../links/process-kinds.js';
import { PEER } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import { managerPeer, masterPeer, type Topology } from '../links/topology.js';
import { LOG_FILE, LogFiles, sendsLogFiles } from '../log/log-files.js';
import { beat } from '../process/heartbeat.js';
import { ProcessPids } from '../process/process-pids.js';
import type { RoleContext } from '../process/role-context.js';
import { untilSettled } from '../process/settling.js';
import { spawnArguments } from '../process/spawn-arguments.js';
import { exitBySigterm, onTermination } from '../process/termination.js';
import { LazyGateway, ProcessBell } from '../sessions/lazy-gateway.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import type { Counters } from '../shared/counters.js';
import { notRunning, type RoleTasks } from '../tasks/role-tasks.js';
import { openUpperFiles, removeFilesOf } from '../tasks/task-files.js';
import { TaskResets } from '../tasks/task-resets.js';
import { HangWatch } from './hang-watch.js';
import { WorkerStop } from './manager-stop.js';
import { RoleLeases } from './role-leases.js';

/** Keeps the workers and task workers alive. */
export class ManagerRole implements ServerControl {
  readonly name = 'manager';
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #topology: Topology;
  readonly #pool: ProcessPool;
  readonly #leases: RoleLeases;
  /** Members that have had their place: whoever gets it next takes over what is there. */
  readonly #served = new Set<Member>();
  /** Members whose process has written over its links, with its pid; until they are emptied. */
  readonly #rogues = new Map<Member, number | undefined>();
  /** How many answers the emptying of a peer's ways still waits for: of its links, and of its tasks. */
  readonly #emptying = new Map<number, number>();
  readonly #taskResets: TaskResets | undefined;
  /** In base mode. */
  readonly #reaper: Reaper | undefined;
  readonly #resets: LinkResets | undefined;
  readonly #counters: Counters;
  readonly #pids: ProcessPids;
  readonly #tasks: RoleTasks | undefined;
  #started: () => void = () => {};
  /** What replaces processes is done one after the other, once they are there. */
  #replacing: Promise<unknown> = new Promise<void>((resolve) => {
    this.#started = resolve;
  });
  #hasProcesses = false;
  readonly #reloads = new MergingQueue<ReloadOptions, ReloadResult>(
    {
      run: (options) => this.#reload(options),
      // One of all processes is one of the task workers as well.
      merge: (one, other) => ({ tasksOnly: Boolean(one.tasksOnly && other.tasksOnly) }),
      stopped: { outcome: 'stopped', replaced: 0 },
    },
    'held',
  );
  readonly #watch: HangWatch;
  readonly #logFiles: LogFiles | undefined;
  readonly #bell: ProcessBell;
  readonly #gateway: LazyGateway;
  /** Its processes have come up, this time. */
  #up = false;
  #stopping: WorkerStop | undefined;
  /** It has been told to end, and the server has not. */
  #endsAlone = false;
  /** What the first process that failed in its start has failed at. */
  #startFailure: StartFailure | undefined;

  /** `Tasks`: where there are task workers. */
  constructor(
    context: RoleContext,
    child: ChildProcessContext,
    topology: Topology,
    Tasks?: typeof RoleTasks,
  ) {
    this.#context = context;
    this.#child = child;
    this.#topology = topology;
    if (sendsLogFiles(context.options)) this.#logFiles = new LogFiles();
    this.#bell = new ProcessBell(child, topology, managerPeer(topology), context);
    this.#gateway = new LazyGateway({
      child,
      topology,
      peer: managerPeer(topology),
      ports: context.ports,
      name: this.#bell,
      onCorrupt: (reactor, error) => this.#reactorCorrupt(reactor, error),
      logs: context,
    });
    const find = (name: string) => child.descriptor(name);
    this.#counters = new OpenedResources(topology, PEER, managerPeer(topology), find).counters();
    this.#pids = new ProcessPids(this.#counters);
    this.#tasks = Tasks && new Tasks(() => this.#taskParts());
    if (topology.taskWorkers > 0) {
      this.#taskResets = new TaskResets({
        topology,
        find,
        askers: () => this.#serving('worker', 'userProcess'),
        resetOwn: (message) => this.#tasks?.reset(message) === true,
        tellMaster: (message) => this.#tellMaster(message),
        onDone: (taskWorker) => this.#emptied(topology.workers + taskWorker),
      });
    }
    if (topology.base) {
      this.#reaper = new Reaper(child, topology);
      this.#resets = new LinkResets({
        child,
        topology,
        workers: () => this.#serving('worker'),
        resetUpper: (peer) => {
          if (peer < topology.workers && !this.#gateway.resetLink(peer))
            resetRings(child, topology, managerPeer(topology), [peer]);
          this.#tellMaster({ type: 'resetLinks', peer });
        },
        onDone: (peer) => this.#emptied(peer),
      });
    }
    const specs = [
      ...Array.from({ length: topology.taskWorkers }, (_, id) => this.#spec('taskWorker', id)),
      ...Array.from({ length: topology.workers }, (_, id) => this.#spec('worker', id)),
      ...Array.from({ length: topology.userProcesses }, (_, id) => this.#spec('userProcess', id)),
    ];
    this.#pool = new ProcessPool(
      specs,
      {
        onReady: (member) => this.#ready(member),
        onSpawn: (member) => this.#leases.grant(member),
        onMessage: (member, body) => this.#heard(member, body),
        onExit: (member, exit, delay) => this.#exited(member, exit, delay),
      },
      {
        title: context.options.title,
        ...(context.options.spares !== undefined && { spares: context.options.spares }),
      },
    );
    this.#watch = new HangWatch({
      context,
      pool: this.#pool,
      counters: this.#counters,
      idOf: ({ spec }) => this.#peerOf(spec),
    });
    this.#leases = new RoleLeases((member) => this.#leaseGranted(member));
    child.onMessage((body) => this.#told(body));
    child.onStop((mode) => void this.#stop(mode));
    onTermination(() => this.#tellMaster({ type: 'terminated', pid: process.pid }));
    beat(this.#counters.process(managerPeer(topology)));
  }

  async start(): Promise<void> {
    this.#tellMaster({ type: 'started', pid: process.pid });
    // The manager before this one has died, and its workers with it.
    if (this.#child.incarnation > 1) this.#reapAll();
    const started = runInOrder(this.#context.handlers.get('managerStart'));
    await untilSettled(this.#context, 'managerStart', 'no process is started before it has', started);
    this.#hasProcesses = true;
    if (this.#child.incarnation > 1) this.#tasks?.succeed();
    try {
      await this.#pool.start();
    } catch (error) {
      if (this.#stopping) return;
      this.#startFailed({ type: 'startFailed', failure: startFailureOf(undefined, error) });
      const { message } = this.#startFailure ? errorOf(this.#startFailure) : (error as Error);
      this.#context.log.fatal(`${/[.!?]$/.test(message) ? message : `${message}.`} The server ends.`);
      await this.#stop('stop', 1);
    }
    // It may have been told to end meanwhile.
    if (this.#stopping) return;
    this.#started();
    this.#up = true;
    this.#child.ready();
    this.#reloads.open();
  }

  /** Opens what asking task workers takes, where there are any. Throws `ERR_MILLRACE_NOT_RUNNING` before they start. */
  openTasks(): TaskClient | undefined {
    if (this.#tasks !== undefined && !this.#hasProcesses)
      throw notRunning('task workers start when managerStart is over.');
    return this.#tasks?.client;
  }

  /** Opens what sessions are reached by. */
  openGateway(): SessionGateway {
    return this.#gateway.open();
  }

  /** Asks the master for the end of the server. */
  async shutdown(): Promise<void> {
    this.#tellMaster({ type: 'shutdown' });
  }

  #taskParts() {
    const { taskFiles } = this.#child.data as RoleAssignment;
    return {
      context: this.#context,
      topology: this.#topology,
      peer: managerPeer(this.#topology),
      incarnation: this.#child.incarnation,
      find: (name: string) => this.#child.descriptor(name),
      listener: this.#bell.listen(),
      counters: this.#counters.process(managerPeer(this.#topology)),
      files: openUpperFiles(this.#context.options, taskFiles as string),
      run: undefined,
      replace: (peer: number) => this.#tasksCorrupt(peer),
    };
  }

  #spec(role: RoleName, id: number): MemberSpec {
    const { names, kind } = processKind(role, this.#topology, id);
    const name = `${kind} ${id}`;
    const { maxWaitTime, maxWorkerMemory } = this.#context.options;
    const { taskFiles, taskRun } = this.#child.data as RoleAssignment;
    const { plan, failedStarts } = this.#context;
    const managerIncarnation = this.#child.incarnation;
    const data: RoleAssignment = { role, id, managerIncarnation, plan, failedStarts, taskFiles, taskRun };
    return {
      name,
      title: `${this.#context.options.title}: ${name}`,
      ...spawnArguments(this.#context.options),
      descriptors: {
        ...Object.fromEntries(names.map((key) => [key, this.#child.descriptor(key)])),
        ...(this.#logFiles && { [LOG_FILE]: this.#logFiles.add() }),
      },
      data,
      // What the first processes fail at the others do, too, and the next attempt. A start that fails says so at once.
      ...(managerIncarnation === 1 && { restart: { giveUpAfter: 1 } }),
      // As long as the user's workerStart takes.
      startTimeout: Number.POSITIVE_INFINITY,
      drainTimeout: maxWaitTime + KILL_GRACE_MS,
      detachTimeout: maxWaitTime + KILL_GRACE_MS,
      ...(role !== 'userProcess' && maxWorkerMemory > 0 && { maxMemory: maxWorkerMemory }),
      // It has its name as long as it lives: one that takes its place waits for its end.
      ...(role === 'userProcess' && { exclusive: true }),
    };
  }

  /** Puts new processes in the places of workers and task workers, one after the other. */
  reload(options: ReloadOptions = {}): Promise<ReloadResult> {
    if (this.#reloads.waits) this.#context.log.info('a reload is asked for; it follows what is under way');
    return this.#reloads.ask(options);
  }

  async #reload({ tasksOnly = false }: ReloadOptions): Promise<ReloadResult> {
    const { handlers, log } = this.#context;
    const members = this.#of(...(tasksOnly ? RELOADED.slice(1) : RELOADED));
    if (!tasksOnly) this.reloadCertificates();
    if (members.length === 0) {
      log.warn('there is nothing to reload: the server has no task workers');
      return { outcome: 'reloaded', replaced: 0 };
    }
    await this.#logFailure(
      'beforeReload',
      untilSettled(
        this.#context,
        'beforeReload',
        'the reload waits for it',
        runInOrder(handlers.get('beforeReload')),
      ),
    );
    log.info({ tasksOnly }, `reloading ${members.length} processes`);
    const result = await this.#replace(members);
    if (result.outcome === 'failed') log.error(result.advice);
    else log.info(result, `reload: ${result.outcome}`);
    await this.#logFailure(
      'afterReload',
      untilSettled(
        this.#context,
        'afterReload',
        'the next reload waits for it',
        runInOrder(handlers.get('afterReload'), result),
      ),
    );
    return result;
  }

  #toResult(result: PoolReloadResult, wanted: number): ReloadResult {
    // A stop that comes in the middle leaves the others as they are.
    if (result.outcome === 'reloaded' && this.#stopping && result.replaced < wanted)
      return { outcome: 'stopped', replaced: result.replaced };
    if (result.outcome !== 'failed') return result;
    const { outcome, replaced, advice } = result;
    return { outcome, replaced, advice };
  }

  /** Puts a new process in the place of the one with that flat id, which finishes what it has. */
  async stopWorker(id: number): Promise<ReloadResult> {
    if (this.#stopping) return { outcome: 'stopped', replaced: 0 };
    const member = this.#pool.members.find(({ spec }) => this.#peerOf(spec) === id);
    if (member === undefined)
      return { outcome: 'failed', replaced: 0, advice: `There is no process ${id} to be replaced.` };
    this.#context.log.info(`${member.name} is to be replaced`);
    const result = await this.#replace([member]);
    if (result.outcome === 'failed') this.#context.log.error(result.advice);
    return result;
  }

  /** After whatever replaces processes already. */
  #replace(members: readonly Member[]): Promise<ReloadResult> {
    const replaced = this.#replacing.then(async () =>
      this.#toResult(await this.#pool.reload({ members, mode: 'reload' }), members.length),
    );
    // Whoever has asked hears of a failure.
    this.#replacing = replaced.catch(() => {});
    return replaced;
  }

  #peerOf({ data }: MemberSpec): number {
    const { role, id } = data as RoleAssignment;
    return flatId(role, this.#topology, id);
  }

  pidOf(peer: number): number | undefined {
    if (peer === masterPeer(this.#topology)) return process.ppid;
    const member = this.#pool.members.find(({ spec }) => this.#peerOf(spec) === peer);
    return member && this.#leases.holder(member);
  }

  /** Has every process open the log file anew. */
  reopenLog(): void {
    const file = this.#context.processLog.reopen();
    if (this.#logFiles !== undefined) {
      // The others stay in theirs as well.
      if (file === undefined) return;
      try {
        this.#logFiles.put(file);
      } catch (error) {
        this.#context.log.error(`not every process gets the new log file: ${(error as Error).message}`);
      }
    }
    this.#tellAll({ type: 'reopenLog' });
  }

  /** The files are the master's to read. */
  reloadCertificates(): void {
    this.#tellMaster({ type: 'reloadCertificates' });
  }

  #ready(member: Member): void {
    this.#stopping?.changed();
    const { managerIncarnation } = member.spec.data as RoleAssignment;
    if (member.incarnation === 1 && managerIncarnation === 1) return;
    this.#context.log.info({ newPid: member.pid }, `${member.name} has been replaced`);
  }

  /** A process has the rings and pipes of its name: reactor threads tell it of the connections of the one before. */
  #leaseGranted(member: Member): void {
    const { role, id, managerIncarnation } = member.spec.data as RoleAssignment;
    const isFirst = !this.#served.has(member) && managerIncarnation === 1;
    this.#served.add(member);
    this.#pids.set(this.#peerOf(member.spec), member.pid as number);
    if (role === 'worker' && !isFirst) this.#tellMaster({ type: 'workerReplaced', worker: id });
  }

  #heard(member: Member, body: unknown): void {
    const message = controlMessage<FromWorker>(body, member.name, this.#context);
    if (message === undefined) return;
    switch (message.type) {
      case 'leaseReleased':
        return this.#leaseReleased(member, message.pid);
      case 'leaseWanted':
        return this.#leave(member, message.pid);
      case 'reloadCertificates':
        return this.reloadCertificates();
      case 'startFailed':
        return this.#startFailed(message);
      case 'takesTasks':
        return this.#tellAskers({
          type: 'taskWorkerUp',
          taskWorker: (member.spec.data as RoleAssignment).id,
        });
      case 'reload':
        return void this.#reloadAsked(message.options);
      case 'stopWorker':
        return void this.#stopAsked(message.worker);
      case 'shutdown':
        return void this.shutdown();
      case 'linkCorrupt':
        return this.#saidCorrupt(member, message.peer);
      case 'tasksCorrupt':
        return this.#tasksCorrupt(message.peer);
      case 'tasksReset':
        return this.#taskResets?.answered(message);
      case 'linksReset': {
        const { id } = member.spec.data as RoleAssignment;
        return this.#resets?.workerAnswered(message.peer, id, message.pid, message.reset);
      }
      case 'started':
        return this.#watch.started(message.pid);
      case 'drained':
        return this.#stopping?.drained(member);
      case 'terminated':
        // Only the master knows whether it is meant alone.
        return this.#tellMaster(message);
      default:
        unknownMessage(message, member.name, this.#context);
    }
  }

  #startFailed(message: StartFailed): void {
    if (this.#startFailure !== undefined) return;
    this.#startFailure = message.failure;
    this.#tellMaster(message);
  }

  #leaseReleased(member: Member, pid: number): void {
    // In base mode it has closed its sessions; whoever waits for one may not have had the last word of it.
    if (this.#reaper && (member.spec.data as RoleAssignment).role === 'worker') this.#tellLost();
    this.#leases.released(member, pid);
  }

  /** The process that has the place ends before the one that is to take over is ready, which needs the place for that. */
  #leave(member: Member, asker: number): void {
    const { pid } = member;
    // The place may be on its way to the asker already.
    if (pid === undefined || pid === asker || !this.#leases.isHeldBy(member, pid)) return;
    member.send({ type: 'leave' } satisfies ToWorker);
    new Alarm(this.#context.options.maxWaitTime + KILL_GRACE_MS, () => {
      if (member.pid === pid && this.#leases.isHeldBy(member, pid)) member.kill('SIGKILL');
    }).unref();
  }

  #told(body: unknown): void {
    const message = controlMessage<ToManager>(body, 'master', this.#context);
    if (message === undefined) return;
    switch (message.type) {
      case 'reload':
        return void this.#reloadAsked(message.options, message.request);
      case 'hurry':
        return this.#hurry();
      case 'stopWorker':
        return void this.#stopAsked(message.worker, message.request);
      case 'terminate':
        return this.#terminate(message.pid);
      case 'linkCorrupt':
        return this.#linkCorrupt(message.peer);
      case 'linksReset':
        if (this.#resets) return this.#resets.masterAnswered(message.peer);
        return this.#emptied(message.peer);
      case 'tasksReset':
        return this.#taskResets?.masterAnswered(message);
      case 'reopenLog':
        return this.reopenLog();
      default:
        unknownMessage(message, 'master', this.#context);
    }
  }

  async #reloadAsked(options: ReloadOptions, request?: number): Promise<void> {
    this.#answer(await this.reload(options), request);
  }

  /** SIGTERM has come to that process, and the server does not end. */
  #terminate(pid: number): void {
    if (this.#stopping) return;
    if (pid === process.pid) {
      this.#context.log.warn(TERMINATED);
      this.#endsAlone = true;
      return void this.#stop('terminate');
    }
    const has = ({ pid: present, drainingPids, starting }: Member) =>
      present === pid || drainingPids.includes(pid) || starting.some((next) => next.pid === pid);
    const member = this.#pool.members.find(has);
    if (member === undefined) return;
    this.#context.log.info({ pid }, `SIGTERM has come to ${member.name} alone: it ends, and another comes`);
    member.sendAll({ type: 'terminate', pid } satisfies ToWorker);
  }

  async #stopAsked(id: number, request?: number): Promise<void> {
    this.#answer(await this.stopWorker(id), request);
  }

  /** What this manager has not done because it ends alone is for the next one: whoever has asked the master waits for it. */
  #answer(result: ReloadResult, request?: number): void {
    if (request === undefined) return;
    if (result.outcome === 'stopped' && this.#endsAlone) this.#tellMaster({ type: 'notBegun', request });
    else this.#tellMaster({ type: 'reloaded', request, result });
  }

  /**
   * A process has written over what lies between it and a reactor thread. It ends, whatever it does; the next one gets the
   * place when every reactor thread has emptied its link, for which the master is asked at the end of this one.
   */
  #linkCorrupt(peer: number): void {
    const member = this.#pool.members.find(({ spec }) => this.#peerOf(spec) === peer);
    if (member === undefined || this.#stopping) return;
    const pid = this.#leases.holder(member);
    if (this.#rogues.has(member)) return;
    this.#leases.block(member);
    this.#rogues.set(member, pid);
    if (pid === undefined) this.#resetLinks(peer);
    else killUnlessEnded(pid);
  }

  /**
   * As above, of what task workers are asked by. A process that has sent nonsense by a pipe has nothing else to be emptied:
   * messages of clients that wait for it are for the next.
   */
  #tasksCorrupt(peer: number): void {
    if (this.#isTaskWorker(peer)) return this.#linkCorrupt(peer);
    const member = this.#pool.members.find(({ spec }) => this.#peerOf(spec) === peer);
    const pid = member && this.#leases.holder(member);
    if (pid !== undefined) killUnlessEnded(pid);
  }

  #isTaskWorker(peer: number): boolean {
    const { workers, taskWorkers } = this.#topology;
    return peer >= workers && peer < workers + taskWorkers;
  }

  /** No process has them now. In base mode the reactors are workers. */
  #resetLinks(peer: number): void {
    const isTaskWorker = this.#isTaskWorker(peer);
    this.#emptying.set(peer, isTaskWorker ? 2 : 1);
    if (isTaskWorker) this.#taskResets?.begin(peer - this.#topology.workers);
    if (this.#resets === undefined) return this.#tellMaster({ type: 'resetLinks', peer });
    // Whatever was written there: nobody has that name until the links are empty.
    this.#pids.set(peer, 0);
    this.#resets.begin(peer);
  }

  /** Processes of those roles that have their place; `id` is the flat one. */
  #serving(...roles: readonly RoleName[]): { member: Member; id: number; pid: number }[] {
    return this.#of(...roles).flatMap((member) => {
      const pid = this.#leases.holder(member);
      return pid === undefined ? [] : [{ member, id: this.#peerOf(member.spec), pid }];
    });
  }

  /** What a worker has sent to this process makes no sense; in process mode nobody below can have written there. */
  #reactorCorrupt(reactor: number, error: Error): void {
    this.#context.log.error(linkOfReactorCorrupt(reactor, error));
    if (this.#topology.base) this.#linkCorrupt(reactor);
  }

  /** A process says so of what it reads itself; in base mode workers are reactors, and say it of others. */
  #saidCorrupt(member: Member, peer: number): void {
    if (this.#topology.base || peer === this.#peerOf(member.spec)) this.#linkCorrupt(peer);
  }

  /** One of the answers that the emptying of what lies between a peer and others waits for. */
  #emptied(peer: number): void {
    const left = (this.#emptying.get(peer) ?? 1) - 1;
    if (left > 0) return void this.#emptying.set(peer, left);
    this.#emptying.delete(peer);
    const member = this.#pool.members.find(({ spec }) => this.#peerOf(spec) === peer);
    if (member === undefined || !this.#rogues.delete(member)) return;
    this.#leases.unblock(member);
  }

  #hurry(): void {
    this.#context.log.warn('what is left of the stop is killed');
    this.#stopping?.hurry();
    // All at once, also those whose turn has not come: what is killed is not to be replaced.
    void this.#pool.stop({ timeout: 0 });
  }

  #exited(member: Member, exit: Exit, delay: number | undefined): void {
    const { pid, code, signal, uptime, error, replaced } = exit;
    const { role, id } = member.spec.data as RoleAssignment;
    // One that had given up its place, or never had it, takes no task with it.
    if (this.#leases.isHeldBy(member, pid) && role === 'taskWorker')
      this.#tellAskers({
        type: 'taskWorkerDied',
        taskWorker: id,
        exit: { code, signal },
        corrupt: this.#rogues.get(member) === pid,
      });
    if (this.#leases.isHeldBy(member, pid) && role === 'worker') this.#reap(id);
    if (pid !== undefined) this.#watch.ended(pid);
    if (pid !== undefined) this.#removeFilesOf(pid);
    this.#pids.ended(flatId(role, this.#topology, id), pid);
    // After that, so that a task of whoever has the place next is not taken for one that is lost.
    this.#leases.ended(member, pid);
    this.#stopping?.changed();
    if (pid !== undefined) this.#resets?.ended(pid);
    if (pid !== undefined) this.#taskResets?.ended(pid);
    if (pid !== undefined && this.#rogues.get(member) === pid) this.#resetLinks(this.#peerOf(member.spec));
    if (code === 0 || this.#stopping) return;
    const { log, options } = this.#context;
    // The manager says what it ends of.
    if (this.#startFailure !== undefined) return;
    if (error && pid !== undefined)
      log.warn(`force kill: ${error.message}; maxWaitTime is ${options.maxWaitTime} ms`);
    const how =
      pid === undefined
        ? `before it began (${error?.message})`
        : signal
          ? `by ${signal}`
          : `with code ${code}`;
    const next = replaced
      ? 'another had taken its place'
      : delay === undefined
        ? member.isUp
          ? 'the one before goes on'
          : 'it is not replaced'
        : delay === 0
          ? 'it is replaced'
          : `it is replaced in ${delay} ms`;
    // One that is given up in the start is what the start fails of: that has a line of its own.
    if (this.#up || member.state !== 'given-up')
      log.warn(
        { code, signal, uptime: Math.round(uptime) },
        `abnormal exit: ${member.name} ended ${how}; ${next}`,
      );
    const workerId = flatId(role, this.#topology, id);
    const handlers = this.#context.handlers.get('workerError');
    void this.#logFailure('workerError', runInOrder(handlers, { workerId, code, signal, uptime }));
  }

  /** What the user's handlers fail at must not end the manager, and every process with it. */
  async #logFailure(event: string, handlers: Promise<void>): Promise<void> {
    try {
      await handlers;
    } catch (error) {
      this.#context.log.error({ err: error }, `a handler of ${event} has failed`);
    }
  }

  /** In base mode the connections of a worker end with it. */
  #reap(worker: number): void {
    if (this.#reaper === undefined) return;
    this.#reaper.close(worker);
    this.#tellLost();
  }

  #reapAll(): void {
    if (this.#reaper === undefined) return;
    this.#reaper.closeAll();
    this.#tellLost();
  }

  #tellLost(): void {
    this.#gateway.settleLost();
    this.#tellAll({ type: 'sessionsLost' });
    this.#tellMaster({ type: 'sessionsLost' });
  }

  async #stop(mode: string, exitCode = 0): Promise<void> {
    if (this.#stopping) return;
    const { maxWaitTime } = this.#context.options;
    // Before the first start was through there was no client.
    const hasServed = this.#up || this.#child.incarnation > 1;
    const drains = hasServed && !this.#topology.base;
    const workers = new WorkerStop({ pool: this.#pool, maxWaitTime, drains });
    this.#stopping = workers;
    this.#reloads.close();
    const timeout = maxWaitTime + KILL_GRACE_MS;
    await this.#pool.stop({ members: this.#of('userProcess'), mode, timeout });
    // Workers first: what they have in hand may need a task worker.
    await workers.run(this.#of('worker'), mode);
    await this.#tasks?.finish(this.#context.options.maxWaitTime);
    await this.#pool.stop({ members: this.#of('taskWorker'), mode, timeout });
    this.#tasks?.close();
    const handlers = runInOrder(this.#context.handlers.get('managerStop'));
    await untilSettled(this.#context, 'managerStop', 'the manager ends after it', handlers);
    if (this.#endsAlone && !this.#up) exitBySigterm();
    else process.exit(exitCode);
  }

  #tellMaster(message: FromManager): void {
    this.#child.send(message);
  }

  /** Those on their way out as well, and those that are not ready yet. */
  #tellAll(message: ToWorker): void {
    for (const member of this.#pool.members) member.sendAll(message);
  }

  /** Those on their way out as well: they wait for their tasks. */
  #tellAskers(message: TaskWorkerDied | TaskWorkerUp): void {
    for (const member of this.#of('worker', 'userProcess')) member.sendAll(message);
    this.#tasks?.heard(message);
    this.#tellMaster(message);
  }

  /** What a dead process has written may be read still, for a while. */
  #removeFilesOf(pid: number): void {
    const { taskFiles } = this.#child.data as RoleAssignment;
    if (taskFiles === undefined) return;
    const { options } = this.#context;
    setTimeout(() => removeFilesOf(options, taskFiles, pid, this.#topology.taskQueue), LEFT_FILES_MS).unref();
  }

  #of(...roles: readonly RoleName[]): Member[] {
    return this.#pool.members.filter((member) => roles.includes((member.spec.data as RoleAssignment).role));
  }
}

function killUnlessEnded(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** What a reload replaces; user processes stay. */
const RELOADED: readonly RoleName[] = ['worker', 'taskWorker'];

const TERMINATED =
  'SIGTERM has come to the manager alone: it ends in order, with its processes, and the master starts another. ' +
  'The server ends by SIGTERM to the master, or to all of its processes';
