import { Alarm } from '@millrace/channel/internal';
import { type ChildProcessContext, type Exit, type Member, ProcessPool } from '@millrace/process-pool';
import type { AheadProcesses } from '@millrace/process-pool/internal';
import type { TaskSubmitter } from '@millrace/task-pool/internal';
import { Reaper } from '../base/reaper.js';
import {
  KILL_GRACE_MS,
  LEFT_FILES_MS,
  LOAD_LOG_AFTER_MS,
  RESTORE_MS,
  STANDBYS_SHOWN_MS,
} from '../constants.js';
import {
  controlMessage,
  type FromManager,
  type FromWorker,
  type StartFailed,
  type TaskWorkerDied,
  type TaskWorkerGone,
  type TaskWorkerUp,
  type ToManager,
  type ToWorker,
  unknownMessage,
} from '../contract/control-messages.js';
import { runInOrder } from '../contract/events.js';
import { asWorker, type PeerId, type ReactorIndex, type WorkerId, workerOfReactor } from '../contract/ids.js';
import type { ReloadOptions, ReloadResult } from '../contract/reload.js';
import type { RoleAssignment } from '../contract/role.js';
import type { ScaleOptions, ScaleResult } from '../contract/scale.js';
import type { ServerControl } from '../contract/server-control.js';
import { errorOf, type StartFailure, startFailureOf } from '../contract/start-failure.js';
import { linkOfReactorCorrupt } from '../links/corrupt-links.js';
import { flatId } from '../links/process-kinds.js';
import { PEER } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import { flatIdOf, managerPeer, masterPeer, type Topology } from '../links/topology.js';
import { LogLimit } from '../log/log.js';
import { LogFiles, sendsLogFiles } from '../log/log-files.js';
import { roleLabel } from '../metrics/process-usage.js';
import { beat } from '../process/heartbeat.js';
import { ProcessPids } from '../process/process-pids.js';
import type { RoleContext } from '../process/role-context.js';
import { untilSettled } from '../process/settling.js';
import { exitBySigterm, onTermination } from '../process/termination.js';
import { LazyGateway, ProcessBell } from '../sessions/lazy-gateway.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import { restoredText } from '../shared/counter-block.js';
import type { Counters } from '../shared/counters.js';
import { startSize } from '../shared/server-size.js';
import { notRunning } from '../tasks/not-running.js';
import type { RoleTasks } from '../tasks/role-tasks.js';
import { openUpperFiles, removeFilesOf } from '../tasks/task-files.js';
import { CorruptLinks } from './corrupt-links.js';
import { exitReport } from './exit-report.js';
import { HangWatch } from './hang-watch.js';
import { WorkerStop } from './manager-stop.js';
import { addedSpec, memberSpecs } from './member-specs.js';
import { assignmentOf, Members } from './members.js';
import { logFailure, Replacements } from './replacements.js';
import { restartCause } from './restart-cause.js';
import { Retirees } from './retirees.js';
import { RoleLeases } from './role-leases.js';
import { Scaling } from './scaling.js';
import { Vacancies } from './vacancies.js';
import { VacantCounters } from './vacant-counters.js';

/**
 * Keeps the workers and task workers alive.
 *
 * The file is long because every message of the processes below and of the master, and every exit, is heard here and handed on to the part
 * that acts on it: leases, replacements, retired processes, corrupt links, the stop. Each of these has a file of its own.
 */
export class ManagerRole implements ServerControl {
  readonly name = 'manager';
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #topology: Topology;
  readonly #pool: ProcessPool;
  readonly #leases: RoleLeases;
  readonly #vacancies: Vacancies;
  readonly #retirees: Retirees;
  /** Members that have had their place: the process that gets it next takes over what is there. */
  readonly #served = new Set<Member>();
  readonly #members: Members;
  readonly #links: CorruptLinks;
  /** In base mode. */
  readonly #reaper: Reaper | undefined;
  readonly #counters: Counters;
  readonly #pids: ProcessPids;
  /** From when what a manager before this one has left is settled. */
  #vacantCounters: VacantCounters | undefined;
  readonly #tasks: RoleTasks | undefined;
  #hasProcesses = false;
  readonly #replacements: Replacements;
  readonly #scaling: Scaling;
  readonly #watch: HangWatch;
  readonly #logFiles: LogFiles | undefined;
  readonly #bell: ProcessBell;
  readonly #gateway: LazyGateway;
  /** All workers have come up, this time. */
  #workersUp = false;
  /** And all other processes. */
  #up = false;
  #stopping: WorkerStop | undefined;
  /** It has been told to end, and the server has not. */
  #endsAlone = false;
  /** Members whose process has halted and is not known to have ended, with the pid of the next where that is ready already. */
  readonly #unreported = new Map<Member, number | undefined>();
  /** What the first process that failed in its start has failed at. */
  #startFailure: StartFailure | undefined;

  /** `Tasks`: where there are task workers; `ahead`: processes that have been started for the first workers. */
  constructor(
    context: RoleContext,
    child: ChildProcessContext,
    topology: Topology,
    Tasks?: typeof RoleTasks,
    ahead?: AheadProcesses,
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
    if (topology.base) this.#reaper = new Reaper(child, topology);
    const specsParts = { context, child, topology, logFiles: this.#logFiles };
    const { size = startSize(topology) } = child.data as RoleAssignment;
    this.#pool = new ProcessPool(
      memberSpecs(specsParts, size),
      {
        onReady: (member) => this.#ready(member),
        onSpawn: (member) => this.#leases.grant(member),
        onMessage: (member, body) => this.#heard(member, body),
        onHalt: (member, pid) => this.#halted(member, pid),
        onExit: (member, exit, delay) => this.#exited(member, exit, delay),
      },
      {
        title: context.options.title,
        ahead,
        ...(context.options.spares !== undefined && { spares: context.options.spares }),
      },
    );
    this.#leases = new RoleLeases((member) => this.#leaseGranted(member));
    this.#vacancies = new Vacancies(
      this.#leases,
      topology,
      (message) => this.#tellMaster(message),
      (member) => this.#scaling.vacant(member),
    );
    this.#retirees = new Retirees(topology, this.#leases, (message) => this.#tellMaster(message));
    this.#members = new Members(this.#pool, topology, (member) => this.#leases.holder(member));
    this.#links = new CorruptLinks({
      child,
      topology,
      members: this.#members,
      leases: this.#leases,
      pids: this.#pids,
      gateway: this.#gateway,
      tasks: this.#tasks,
      tellMaster: (message) => this.#tellMaster(message),
    });
    this.#replacements = new Replacements({
      context,
      pool: this.#pool,
      members: this.#members,
      reloadCertificates: () => this.reloadCertificates(),
      tellMaster: (message) => this.#tellMaster(message),
    });
    this.#scaling = new Scaling({
      context,
      topology,
      pool: this.#pool,
      members: this.#members,
      size,
      spec: (role, id, before) => addedSpec(specsParts, role, id, before),
      inTurn: (work, overtaking) => this.#replacements.inTurn(work, overtaking),
      tellMaster: (message) => this.#tellMaster(message),
      tellWorkers: (message) => {
        for (const member of this.#members.of('worker')) member.sendAll(message);
      },
      tellAskers: (message) => this.#tellAskers(message),
    });
    this.#watch = new HangWatch({
      context,
      pool: this.#pool,
      counters: this.#counters,
      idOf: (member) => this.#members.peerOf(member),
    });
    child.onMessage((body) => this.#told(body));
    child.onStop((mode) => void this.#stop(mode));
    onTermination(() => this.#tellMaster({ type: 'terminated', pid: process.pid }));
    beat(this.#counters.process(managerPeer(topology)), context.loop('manager', 0));
  }

  async start(): Promise<void> {
    this.#tellMaster({ type: 'started', pid: process.pid });
    // The manager before this one has died, and its workers with it.
    if (this.#child.incarnation > 1) {
      this.#reapAll();
      this.#vacancies.succeed(this.#pool.members);
      this.#retirees.succeed(this.#pool.members);
    }
    this.#keepVacantCounters();
    if (this.#context.options.standby) this.#showStandbys();
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
      this.#rejectIfNoneLeft();
      await this.#stop('stop', 1);
    }
    // It may have been told to end meanwhile.
    if (this.#stopping) return;
    this.#up = true;
    this.#child.ready();
    // What it takes to say that a process has died is not loaded while its clients wait.
    new Alarm(LOAD_LOG_AFTER_MS, () => this.#context.processLog.prepare()).unref();
    this.#replacements.open();
    this.#scaling.open();
  }

  /** Opens what asking task workers takes, where there are any. Throws `ERR_MILLRACE_NOT_RUNNING` before they start. */
  openTasks(): TaskSubmitter | undefined {
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
      files: taskFiles === undefined ? undefined : openUpperFiles(this.#context.options, taskFiles),
      run: undefined,
      replace: (peer: PeerId) => this.#links.tasksCorrupt(peer),
    };
  }

  /** Puts new processes in the places of workers and task workers, one after the other. */
  reload(options: ReloadOptions = {}): Promise<ReloadResult> {
    return this.#replacements.reload(options);
  }

  /** Puts a new process in the place of the one with that flat id, which finishes what it has. */
  stopWorker(id: PeerId): Promise<ReloadResult> {
    return this.#replacements.replace(id);
  }

  /** Has more or fewer workers and task workers from then on; asks the master, which says so to the next manager too. */
  scale(options: ScaleOptions): Promise<ScaleResult> {
    return this.#scaling.scale(options);
  }

  pidOf(peer: PeerId): number | undefined {
    if (peer === masterPeer(this.#topology)) return process.ppid;
    const member = this.#members.byPeer(peer);
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
    this.#scaling.changed();
    const { managerIncarnation, role, id, added } = assignmentOf(member);
    this.#pids.ready(this.#members.peerOf(member), member.pid as number);
    if (role === 'worker')
      this.#tellMaster({ type: 'workerReady', worker: asWorker(id), pid: member.pid as number });
    if (!this.#workersUp && this.#members.of('worker').every(({ isUp }) => isUp)) {
      this.#workersUp = true;
      this.#tellMaster({ type: 'workersUp' });
    }
    if (member.incarnation === 1 && (added || managerIncarnation === 1)) return;
    // The end of the one before is said first.
    if (this.#unreported.has(member)) this.#unreported.set(member, member.pid);
    else this.#reportReplaced(member, member.pid);
  }

  #reportReplaced(member: Member, newPid: number | undefined): void {
    this.#context.log.info({ newPid }, `${member.name} has been replaced`);
  }

  /** A process has the rings and pipes of its name: reactor threads tell it of the connections of the one before. */
  #leaseGranted(member: Member): void {
    const { role, id, managerIncarnation, added } = assignmentOf(member);
    const isFirst = !this.#served.has(member) && (added || managerIncarnation === 1);
    this.#served.add(member);
    const peer = this.#members.peerOf(member);
    this.#vacantCounters?.end(peer);
    if (!isFirst) this.#pids.replaced(peer);
    this.#pids.set(peer, member.pid as number);
    if (role === 'worker' && !isFirst) this.#tellMaster({ type: 'workerReplaced', worker: asWorker(id) });
  }

  #heard(member: Member, body: unknown): void {
    const message = controlMessage<FromWorker>(body, member.name, this.#context);
    if (message === undefined) return;
    switch (message.type) {
      case 'leaseReleased':
        return this.#leaseReleased(member, message.pid);
      case 'asideWanted':
        return this.#retirees.wanted(member, message.pid);
      case 'leaseWanted':
        return this.#leave(member, message.pid);
      case 'reloadCertificates':
        return this.reloadCertificates();
      case 'startFailed':
        return this.#startFailed(message);
      case 'takesTasks':
        return this.#tellAskers({
          type: 'taskWorkerUp',
          taskWorker: assignmentOf(member).id,
        });
      case 'reload':
        return void this.#reloadAsked(message.options);
      case 'stopWorker':
        return void this.#stopAsked(message.worker);
      case 'scale':
        return void this.#scaleAsked(message.options);
      case 'shutdown':
        return void this.shutdown();
      case 'linkCorrupt':
        return this.#saidCorrupt(member, message.peer);
      case 'tasksCorrupt':
        return this.#links.tasksCorrupt(message.peer);
      case 'tasksReset':
        return this.#links.tasks?.answered(message);
      case 'linksReset': {
        const { id } = assignmentOf(member);
        return this.#links.links?.workerAnswered(message.peer, asWorker(id), message.pid, message.reset);
      }
      case 'started':
        return this.#watch.started(member, message.pid);
      case 'drained':
        this.#scaling.drained(member);
        return this.#stopping?.drained(member);
      case 'listen':
      case 'listenEnded':
      case 'listenTls':
        return this.#tellMaster({ ...message, worker: asWorker(assignmentOf(member).id) });
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

  /**
   * Once the start has failed: tells those who ask for tasks that no task worker is left, where none is and none will come, so
   * that they wait no longer. Of an engine those of another server may run them.
   */
  #rejectIfNoneLeft(): void {
    if (this.#startFailure === undefined || this.#context.options.taskEngine !== undefined) return;
    const members = this.#members.of('taskWorker');
    if (members.length === 0 || members.some(({ wanted }) => wanted)) return;
    const { message } = errorOf(this.#startFailure);
    this.#tellAskers({ type: 'taskWorkerGone', taskWorker: 0, noneLeft: message.replace(/[.!?]$/, '') });
  }

  #leaseReleased(member: Member, pid: number): void {
    // In base mode it has closed its sessions; a process that waits for one may not have had the last word of it.
    if (this.#reaper && assignmentOf(member).role === 'worker') this.#tellLost();
    this.#vacated(member, pid);
    this.#vacancies.begin(member, pid);
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
      case 'scale':
        return void this.#scaleAsked(message.options, message.request);
      case 'alsoListen':
        // Also one that is not ready yet: the one before it reads the same link.
        return void this.#members.byPeer(message.worker)?.sendAll(message);
      case 'resized':
        return this.#scaling.resized();
      case 'hurry':
        return this.#hurry();
      case 'stopWorker':
        return void this.#stopAsked(message.worker, message.request);
      case 'terminate':
        return this.#terminate(message.pid);
      case 'linkCorrupt':
        this.#retirees.corrupt(message.peer);
        return this.#links.corrupt(message.peer);
      case 'workerSettled':
        this.#retirees.settled(message.peer);
        return this.#vacancies.settled(message.peer);
      case 'linksReset':
        if (this.#links.links) return this.#links.links.masterAnswered(message.peer);
        return this.#links.emptied(message.peer);
      case 'tasksReset':
        return this.#links.tasks?.masterAnswered(message);
      case 'listening':
        return void this.#members.byPeer(message.worker)?.sendAll(message);
      case 'diagnose':
        if (message.pid !== process.pid) return this.#tellAll(message);
        return this.#context.diagnosis.obey(message.order, message.kind);
      case 'reopenLog':
        return this.reopenLog();
      default:
        unknownMessage(message, 'master', this.#context);
    }
  }

  async #reloadAsked(options: ReloadOptions, request?: number): Promise<void> {
    this.#answer(await this.reload(options), request);
  }

  async #scaleAsked(options: ScaleOptions, request?: number): Promise<void> {
    const result = await this.scale(options);
    // What this manager has not done because it ends alone the next one is asked for.
    if (request === undefined || (result.outcome === 'stopped' && this.#endsAlone)) return;
    this.#tellMaster({ type: 'scaled', request, result });
  }

  /** SIGTERM has come to that process, and the server does not end. */
  #terminate(pid: number): void {
    if (this.#stopping) return;
    if (pid === process.pid) {
      this.#context.log.warn(TERMINATED);
      this.#endsAlone = true;
      return void this.#stop('terminate');
    }
    const member = this.#members.terminate(pid);
    if (member === undefined) return;
    this.#context.log.info(
      { processPid: pid },
      `SIGTERM has come to ${member.name} alone: it ends, and another comes`,
    );
  }

  async #stopAsked(id: PeerId, request?: number): Promise<void> {
    this.#answer(await this.stopWorker(id), request);
  }

  /** What this manager has not done because it ends alone is for the next one: the caller that has asked the master waits for it. */
  #answer(result: ReloadResult, request?: number): void {
    if (request === undefined) return;
    if (result.outcome === 'stopped' && this.#endsAlone) this.#tellMaster({ type: 'notBegun', request });
    else this.#tellMaster({ type: 'reloaded', request, result });
  }

  /** What a worker has sent to this process makes no sense; in process mode no process below can have written there. */
  #reactorCorrupt(reactor: ReactorIndex, error: Error): void {
    this.#context.log.error(linkOfReactorCorrupt(reactor, error));
    if (this.#topology.base) this.#links.corrupt(workerOfReactor(reactor));
  }

  /** A process says so of what it reads itself; in base mode workers are reactors, and say it of others. */
  #saidCorrupt(member: Member, peer: PeerId): void {
    if (this.#topology.base || peer === this.#members.peerOf(member)) this.#links.corrupt(peer);
  }

  #hurry(): void {
    this.#context.log.warn('what is left of the stop is killed');
    this.#stopping?.hurry();
    // All at once, also those whose turn has not come: what is killed is not to be replaced.
    void this.#pool.stop({ timeout: 0 });
  }

  /** No code of that process runs any more: the next may have what it had. How it has ended is heard later. */
  #halted(member: Member, pid: number): void {
    this.#unreported.set(member, undefined);
    this.#left(member, pid);
  }

  /** What that process had is nobody's. */
  #left(member: Member, pid: number | undefined): void {
    const { role, id } = assignmentOf(member);
    this.#vacated(member, pid);
    this.#vacancies.begin(member, pid);
    this.#retirees.ended(member, pid);
    this.#pids.ended(flatId(role, this.#topology, id), pid);
    // After that, so that a task of the process that has the place next is not taken for one that is lost.
    this.#leases.ended(member, pid);
  }

  #exited(member: Member, exit: Exit, delay: number | undefined): void {
    const { pid, code, signal } = exit;
    const { role, id } = assignmentOf(member);
    // One that had given up its place, or never had it, takes no task with it.
    if (this.#leases.isHeldBy(member, pid) && role === 'taskWorker')
      this.#tellAskers({
        type: 'taskWorkerDied',
        taskWorker: id,
        exit: { code, signal },
        corrupt: this.#links.isOf(member, pid),
      });
    if (this.#leases.isHeldBy(member, pid) && role === 'worker') this.#reap(asWorker(id));
    const hung = pid !== undefined && this.#watch.hasKilled(pid);
    const counted = () => this.#context.numbers.restarted(roleLabel(role), restartCause(exit, hung));
    if (!this.#stopping && (exit.replaced || delay !== undefined)) afterBegin(delay, counted);
    if (pid !== undefined) this.#watch.ended(pid);
    if (pid !== undefined) this.#removeFilesOf(pid);
    this.#left(member, pid);
    this.#stopping?.changed();
    this.#scaling.changed();
    if (role === 'taskWorker') this.#rejectIfNoneLeft();
    if (pid !== undefined) this.#links.ended(member, pid);
    const newPid = this.#unreported.get(member);
    this.#unreported.delete(member);
    if (code !== 0 && !this.#stopping) {
      this.#pids.failed(flatId(role, this.#topology, id), exit);
      afterBegin(delay, () => this.#reportExit(member, exit, delay));
    }
    if (newPid !== undefined) setImmediate(() => this.#reportReplaced(member, newPid));
  }

  #reportExit(member: Member, exit: Exit, delay: number | undefined): void {
    const { pid, code, signal, uptime, error } = exit;
    const { log, options } = this.#context;
    // The manager says what it ends of.
    if (this.#startFailure !== undefined) return;
    if (error && pid !== undefined)
      log.warn(
        `force kill: ${error.message}${exit.replaced ? `; maxWaitTime is ${options.maxWaitTime} ms` : ''}`,
      );
    // One that is given up in the start is what the start fails of: that has a line of its own.
    if (this.#up || member.state !== 'given-up')
      log.warn({ code, signal, uptime: Math.round(uptime) }, exitReport(member, exit, delay));
    const workerId = flatIdOf(this.#topology, this.#members.peerOf(member));
    const handlers = this.#context.handlers.get('workerError');
    void logFailure(this.#context, 'workerError', runInOrder(handlers, { workerId, code, signal, uptime }));
  }

  #keepVacantCounters(): void {
    const kept = new VacantCounters(this.#counters, this.#topology);
    const limit = new LogLimit(this.#context);
    this.#vacantCounters = kept;
    setInterval(() => {
      const restored = kept.restore();
      if (restored > 0) limit.warn('counters', restoredText(restored, 'places that no process has'));
    }, RESTORE_MS).unref();
  }

  /** Says in shared memory which processes wait: one that ends there is seen in /proc, the next one here a moment later. */
  #showStandbys(): void {
    setInterval(() => {
      for (const member of this.#members.of('worker'))
        this.#pids.standsBy(this.#members.peerOf(member), member.standbyPid);
    }, STANDBYS_SHOWN_MS).unref();
  }

  /** The process of that pid has its place no more, if it had: what it has counted stays. */
  #vacated(member: Member, pid: number | undefined): void {
    if (this.#leases.isHeldBy(member, pid)) this.#vacantCounters?.begin(this.#members.peerOf(member));
  }

  /** In base mode the connections of a worker end with it. */
  #reap(worker: WorkerId): void {
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
    const hasServed = this.#workersUp || this.#child.incarnation > 1;
    const drains = hasServed && !this.#topology.base;
    const workers = new WorkerStop({ pool: this.#pool, maxWaitTime, drains });
    this.#stopping = workers;
    this.#links.close();
    this.#replacements.close();
    this.#scaling.close();
    const timeout = maxWaitTime + KILL_GRACE_MS;
    await this.#pool.stop({ members: this.#members.of('userProcess'), mode, timeout });
    // Workers first: what they have in hand may need a task worker.
    await workers.run(this.#members.of('worker'), mode);
    await this.#tasks?.finish(this.#context.options.maxWaitTime);
    // What all those have asked for may be tasks of an engine, which task workers of this server run.
    await this.#pool.stop({ members: this.#members.of('service'), mode, timeout });
    await this.#pool.stop({ members: this.#members.of('taskWorker'), mode, timeout });
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
  #tellAskers(message: TaskWorkerDied | TaskWorkerUp | TaskWorkerGone): void {
    for (const member of this.#members.of('worker', 'userProcess', 'service')) member.sendAll(message);
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
}

/** The next process is told to begin first where that is now: clients wait for it. */
function afterBegin(delay: number | undefined, then: () => void): void {
  if (delay === 0) setImmediate(then);
  else then();
}

const TERMINATED =
  'SIGTERM has come to the manager alone: it ends in order, with its processes, and the master starts another. ' +
  'The server ends by SIGTERM to the master, or to all of its processes';
