import { Alarm, giveMessagesRoom } from '@millrace/channel/internal';
import { check, syscalls } from '@millrace/native/syscalls';
import type { ChildProcessContext } from '@millrace/process-pool';
import { RehearsedChild } from '@millrace/process-pool/internal';
import type { TaskSubmitter } from '@millrace/task-pool/internal';
import type { OwnReactor } from '../base/own-reactor.js';
import { INCARNATIONS_PER_MANAGER, RESTORE_MS } from '../constants.js';
import { unknownMessage } from '../contract/control-messages.js';
import { runInOrder } from '../contract/events.js';
import {
  asWorker,
  type ListenerIndex,
  type PeerId,
  type ReactorIndex,
  reactorOfWorker,
  type WorkerId,
} from '../contract/ids.js';
import {
  incarnationOf,
  REMOVAL,
  type RoleAssignment,
  SHUTDOWN,
  type WorkerStatus,
} from '../contract/role.js';
import type { Session } from '../contract/session.js';
import type { FileReceiver } from '../links/file-link.js';
import { REACTOR } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import { checkTaskMeans } from '../links/task-queue.js';
import { isWorker } from '../links/task-topology.js';
import { flatIdOf, masterPeer, type Topology } from '../links/topology.js';
import { LogLimit } from '../log/log.js';
import { beat, type LoopListener } from '../process/heartbeat.js';
import { drawLimit } from '../process/limit.js';
import { ProcessPids } from '../process/process-pids.js';
import type { RoleContext } from '../process/role-context.js';
import { holdTermination, terminateProgram } from '../process/termination.js';
import { WorkerLife, type WorkMessage } from '../process/worker-life.js';
import type { ListenCapture } from '../programs/listen-capture.js';
import type { UserFunctions } from '../reactor/reactor-context.js';
import { DatagramSender } from '../sessions/datagram-sender.js';
import { type Links, openLinks, openView } from '../sessions/open-gateway.js';
import { SessionGateway } from '../sessions/session-gateway.js';
import { CounterBlock, restoredText } from '../shared/counter-block.js';
import { DONE, REQUESTS } from '../shared/counters-layout.js';
import type { LeanEngine } from '../sockets/lean-session.js';
import type { ServedServer } from '../sockets/server-kinds.js';
import { programTlsOf } from '../sockets/server-tls.js';
import type { Asker } from '../tasks/asker.js';
import { RemoteAsker } from '../tasks/remote-asker.js';
import { TaskAsker } from '../tasks/task-asker.js';
import { openTaskFiles } from '../tasks/task-files.js';
import { type MakeRehearsed, rehearse } from './rehearsal.js';
import { ENDING_PART, Retirement } from './retirement.js';
import type { ServedSessions } from './served-sessions.js';
import { Sessions } from './sessions.js';

/**
 * Runs the user's handlers for connections.
 *
 * The file is long because each stage of a worker's life is here, from its place to its end, in the order in which it opens and closes what it has;
 * sessions, served servers, the rehearsal and the retirement have files of their own.
 */
export class WorkerRole {
  readonly name = 'worker';
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #topology: Topology;
  readonly #id: WorkerId;
  readonly #view: OpenedResources;
  readonly #life: WorkerLife;
  readonly #gateway: SessionGateway;
  readonly #loop: LoopListener;
  readonly #tasks: Asker;
  /** In base mode. */
  readonly #own: OwnReactor | undefined;
  /** Where servers of the program have connections. */
  readonly #served: ServedSessions | undefined;
  readonly #servers: ReadonlyMap<ListenerIndex, ServedServer>;
  #channels: Links['channels'] = [];
  #sessions: Sessions | undefined;
  #serving = false;
  /** Where this worker runs a program that listens by itself. */
  #capture: ListenCapture | undefined;
  #sockets: FileReceiver | undefined;
  /** The program has something to do about SIGTERM, and does it. */
  #isProgramTold = false;
  /** Once it gives its place up. */
  #retirement: Retirement | undefined;
  /** Whether it reads up to the last packets before it ends. */
  #drain = false;
  /** Whether no other process comes after it, and the server goes on. */
  #isRemoved = false;
  /** Whether it ends alone, and another is in its place. */
  #isReplaced = true;

  /** `own`: in base mode, where the worker is a reactor; `served`: where servers of the program have connections. */
  constructor(
    context: RoleContext,
    child: ChildProcessContext,
    topology: Topology,
    id: WorkerId,
    own?: { readonly Reactor: typeof OwnReactor; readonly functions: UserFunctions | undefined },
    served?: {
      readonly Sessions: typeof ServedSessions;
      readonly servers: ReadonlyMap<ListenerIndex, ServedServer>;
      readonly lean: LeanEngine | undefined;
    },
  ) {
    this.#context = context;
    this.#topology = topology;
    this.#id = id;
    this.#child = child;
    this.#view = openView(child, topology, id);
    const counters = this.#view.counters();
    const table = this.#view.connections();
    this.#own =
      own && new own.Reactor({ context, child, topology, id, table, counters, functions: own.functions });
    this.#gateway = new SessionGateway({
      channels: topology.reactors,
      datagrams: DatagramSender.of(child, topology),
      table,
      counters,
      tls: this.#view.tls(),
      ports: context.ports,
      own: counters.process(id),
      trace: this.#view.trace({ peer: id }),
      reactor: this.#own && reactorOfWorker(id),
      // More waits to be sent than the reactor thread takes: then nothing more is asked for; see Sessions.start.
      onCongestion: (reactor) => this.#sourceOf(reactor)?.pause(),
    });
    this.#servers = served?.servers ?? new Map();
    this.#served =
      served &&
      new served.Sessions({
        gateway: this.#gateway,
        ports: context.ports,
        lasting: own === undefined,
        lean: served.lean,
        engine: context.options.httpEngine,
        resumable: this.#view.resumable(table),
        onRequest: () => this.#sessions?.requestTaken(),
        onIdle: () => this.#sessions?.idle(),
        log: (text) => context.log.warn({ kind: 'served' }, text),
        onTls: (listener, tls) =>
          this.#life.tell({ type: 'listenTls', worker: id, pid: process.pid, listener, tls }),
      });
    this.#tasks = this.#asker(counters.process(id));
    this.#life = new WorkerLife({
      context,
      child,
      workerId: flatIdOf(topology, id),
      finish: () => this.#finish(),
      inHand: () => this.#inHand(),
      startsAs: () => this.#capture?.waitsFor,
      // A program that has nothing to do about SIGTERM would have ended by it.
      lingers: () => this.#capture === undefined || this.#isProgramTold,
      onAside: () => this.#retirement?.granted(),
      onStop: (mode) => {
        // The last packets of a server that stops are for the process that has the place by then. In base mode there are none.
        this.#drain = (mode === SHUTDOWN || mode === REMOVAL) && this.#own === undefined;
        this.#isRemoved = mode === REMOVAL;
        this.#isReplaced = mode !== SHUTDOWN;
      },
      onSessionsLost: () => this.#gateway.settleLost(),
      onListening: (message) => this.#capture?.answered(message),
      onMessage: (message) => this.#heard(message),
    });
    this.#loop = context.loop('worker', id);
    this.#life.lease.whenHeld(() => this.#open());
    // Before this process hears of its manager: what it does about SIGTERM is what was said last.
    // In base mode the clients of the process before are gone: none waits.
    if (child.waits && own === undefined && !(child instanceof RehearsedChild)) {
      this.#view.mapLinks();
      rehearse(context, child, topology, rehearsed);
    }
    this.#life.listen();
  }

  /** Gives up what it has opened, where it was made for a rehearsal. */
  close(): void {
    this.#life.lease.release();
    this.#view.close();
  }

  #asker(counters: Float64Array): Asker {
    const [context, child, topology] = [this.#context, this.#child, this.#topology];
    const { taskMaxQueue: maxQueue, taskEngine: engine } = context.options;
    const { numbers } = context;
    if (engine !== undefined) return new RemoteAsker({ engine, maxQueue, counters, numbers, logs: context });
    const { taskFiles, taskRun } = child.data as RoleAssignment;
    const files = taskFiles === undefined ? undefined : openTaskFiles(context.options, taskFiles, taskRun);
    checkTaskMeans(context.options, topology, files);
    return new TaskAsker({
      topology,
      peer: this.#id,
      incarnation: incarnationOf(child),
      find: (name) => child.descriptor(name),
      run: taskRun,
      maxQueue,
      counters,
      files,
      limit: new LogLimit(context),
      numbers,
      replace: (peer) => this.#life.tell({ type: 'tasksCorrupt', peer }),
      finished: (task, data) => void this.#finished(task, data),
    });
  }

  /**
   * What asks task workers. One who does so before this process has its place needs that now, since `workerStart` may wait
   * for the answer: this asks the manager for it.
   */
  openTasks(): TaskSubmitter {
    this.#life.lease.request();
    return this.#tasks.client;
  }

  /** It is open from the beginning; what is sent waits until this process has its place. */
  openGateway(): SessionGateway {
    return this.#gateway;
  }

  /** Whether no process before this one has had its name, in this run of the server. */
  get isFirst(): boolean {
    return incarnationOf(this.#child) === INCARNATIONS_PER_MANAGER + 1;
  }

  /** From here on `listen` of every server of this process is answered by the master. */
  async captureListen(): Promise<ListenCapture> {
    const { ListenCapture, protocolOf } = await import('../programs/listen-capture.js');
    const { isPlainHttp, NOT_FOR_LEAN } = await import('../sockets/server-kinds.js');
    const { noteAddedContexts } = await import('../sockets/added-contexts.js');
    if (this.#own === undefined) noteAddedContexts();
    const { httpEngine } = this.#context.options;
    const about = { worker: this.#id, pid: process.pid };
    const capture = new ListenCapture({
      ask: (asked) => this.#life.tell({ type: 'listen', ...about, ...asked }),
      // The next process listens there, or is about to.
      end: (listener) =>
        this.#retirement?.isAside ? undefined : this.#life.tell({ type: 'listenEnded', ...about, listener }),
      protocolOf,
      tlsOf: this.#own ? () => undefined : programTlsOf,
      someListen: () =>
        this.#context.ports.some(({ late }, at) => late && this.#gateway.counters.listens(at)),
      attach: (server, listener, secure) => {
        this.#served?.listeners.attach(server, listener, secure);
        return () => this.#served?.listeners.detach(listener);
      },
      ...(this.#own && { socketOf: (token) => this.#socketOf(token) }),
      ...(this.#own &&
        httpEngine === 'lean' && {
          sessions: {
            serve: (server) => {
              const isServed = isPlainHttp(server);
              if (!isServed) this.#context.log.warn({ kind: 'served' }, NOT_FOR_LEAN);
              return isServed;
            },
            accept: this.#own.listen,
          },
        }),
    });
    this.#capture = capture;
    holdTermination();
    capture.install();
    return capture;
  }

  /** In base mode: a listening socket that the master has sent. */
  #socketOf(token: string): number {
    const find = (name: string) => this.#child.descriptor(name);
    if (this.#sockets === undefined) {
      const view = new OpenedResources(this.#topology, REACTOR, this.#id, find);
      this.#sockets = view.fileReceiver(masterPeer(this.#topology));
    }
    return check(this.#sockets.take(Buffer.from(token, 'hex')), 'recvmsg', 'a listening socket');
  }

  get status(): WorkerStatus {
    return this.#life.status((this.#sessions?.inFlight ?? 0) > 0);
  }

  /** Those of this process; undefined before it has its place. */
  get sessions(): Sessions | undefined {
    return this.#sessions;
  }

  async start(): Promise<void> {
    await this.#life.start(() => this.#serve());
  }

  /** What is not read while that reactor thread does not keep up with what is sent to it. */
  #sourceOf(reactor: ReactorIndex) {
    return this.#own?.channel ?? this.#retirement?.channel(reactor) ?? this.#channels[reactor];
  }

  /** Takes messages from here on. */
  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    giveMessagesRoom(syscalls);
    for (const [listener, served] of this.#servers) this.#served?.listeners.serve(served, listener);
    this.#sessions?.start();
    this.#gateway.hear();
    this.#own?.serve();
  }

  /** The manager replaces this process, and the process at the other end empties what lies between. */
  #linkCorrupt(reactor: ReactorIndex, error: Error): void {
    this.#context.log.error(`what comes from reactor ${reactor} makes no sense: ${error.message}`);
    this.#life.tell({ type: 'linkCorrupt', peer: this.#id });
  }

  /** The process of a peer has ended over what it had written to the rings, and the next waits until they are emptied. */
  #resetLinks(peer: PeerId): void {
    // Of a process that has been given the place meanwhile, because this process did not answer in time, nothing is emptied.
    const late = new ProcessPids(this.#view.counters()).get(peer) !== undefined;
    const reset = !late && this.#own?.reset(peer) === true;
    if (late) this.#own?.remindOfCorrupt(peer);
    else if (isWorker(this.#topology, peer)) this.#gateway.resetLink(reactorOfWorker(peer));
    this.#life.tell({ type: 'linksReset', peer, pid: process.pid, reset });
  }

  /** The rings and pipes are this process's. */
  #open(): void {
    const { options, portHandlers } = this.#context;
    const { lease } = this.#life;
    const onCorrupt = (reactor: ReactorIndex, error: Error) => this.#linkCorrupt(reactor, error);
    const links = openLinks(this.#view, this.#topology, this.#id, onCorrupt, this.#context, {
      own: this.#own?.channel,
    });
    const { listener, channels } = links;
    this.#channels = channels;
    this.#gateway.connect(channels, this.#view.fileSockets(), links);
    const counters = new CounterBlock(this.#view.counters().process(this.#id))
      .keep(REQUESTS, REQUESTS + 1)
      .keep(DONE);
    this.#served?.countBy(counters);
    this.#sessions = new Sessions({
      channels,
      source: this.#own?.channel,
      gateway: this.#gateway,
      served: this.#served,
      counters,
      handlers: (port) => portHandlers.of(port),
      maxRequests: drawLimit(options.maxRequest, options.maxRequestGrace),
      maxConcurrency: options.workerMaxConcurrency,
      retires: this.#topology.aside,
      onServed: () => this.#life.handOver(),
      onFailure: (error, session) => this.#handlerFailed(error, session),
    });
    this.#tasks.open(listener);
    lease.whenReleased(beat(this.#view.counters().process(this.#id), this.#loop));
    const restoring = setInterval(() => this.#restore(counters), RESTORE_MS).unref();
    lease.whenReleased(() => clearInterval(restoring));
    lease.whenReleased(() => {
      if (this.#retirement?.isAside) this.#gateway.countNoMore();
      else this.#gateway.retire();
      for (const channel of channels) channel.destroy();
      this.#tasks.close();
      this.#own?.close();
      listener.close();
    });
  }

  #restore(counters: CounterBlock): void {
    const restored = counters.restore();
    if (restored > 0)
      this.#context.log.warn({ kind: 'counters' }, restoredText(restored, `worker ${this.#id}`));
  }

  #heard(message: WorkMessage): void {
    switch (message.type) {
      case 'resetLinks':
        return this.#resetLinks(message.peer);
      case 'taskWorkerUp':
      case 'taskWorkerGone':
      case 'taskWorkerDied':
        return this.#tasks.heard(message);
      case 'alsoListen':
        if (message.pid === process.pid) this.#capture?.alsoListen(message.listener, message.socket);
        return;
      case 'sized':
        return this.#own?.resize(message.workers);
      case 'resetTasks': {
        const { taskWorker } = message;
        const reset = this.#tasks.reset(message);
        return this.#life.tell({
          type: 'tasksReset',
          taskWorker,
          pid: process.pid,
          reset,
        });
      }
      default:
        unknownMessage(message, 'manager', this.#context);
    }
  }

  /** The client would wait for an answer that does not come: unless the user's own handler knows better, it is closed. */
  #handlerFailed(
    error: unknown,
    session: Session | undefined,
    cost = session ? 'its session is closed' : 'its datagram is not answered',
  ): void {
    const handlers = this.#context.handlers.get('error');
    for (const handler of handlers) handler(error, session);
    if (handlers.length > 0) return;
    const details = { err: error, session: session?.id, client: session?.remoteAddress };
    this.#context.log.error(details, `a handler has failed; ${cost}`);
    session?.close();
  }

  /** A task of Swoole's own form has sent a result. */
  async #finished(id: number, data: unknown): Promise<void> {
    try {
      await runInOrder(this.#context.handlers.get('finish'), { id, data });
    } catch (error) {
      this.#handlerFailed(error, undefined, `a result of task ${id} has not been heard`);
    }
  }

  async #finish(): Promise<void> {
    if (this.#drain) {
      await this.#life.lease.acquired();
      this.#serve();
    }
    const keepsClients = !this.#drain || this.#isRemoved;
    if (keepsClients && this.#topology.aside && this.#serving && this.#life.lease.isHeld)
      if (this.#served !== undefined) return this.#retire(this.#served);
    this.#own?.quiesce();
    await this.#capture?.native.leave(this.#isReplaced ? this.#context.options.maxWaitTime : undefined);
    this.#served?.end();
    const late = this.#endInTime();
    // In base mode nothing is read any more behind the next line.
    if (this.#own !== undefined) await this.#served?.untilEnded();
    const drained = () => this.#life.tell({ type: 'drained' });
    await this.#sessions?.stop({ drain: this.#drain, drained });
    // Who came last is known by now.
    if (this.#drain) await this.#served?.untilEnded();
    late?.cancel();
    // Tasks that no handler waits for have been accepted as well.
    await this.#tasks.settled();
    await this.#gateway.flush();
    if (this.#own !== undefined) {
      // What has ended with this process: the clients hear of it, then the handlers of `close`.
      await this.#own.closeAll();
      await this.#sessions?.stop({ drain: false });
    }
    if (this.#served === undefined) return;
    // What it does about that may be said to clients still.
    this.#isProgramTold = terminateProgram();
    await this.#gateway.flush();
  }

  /** What would end only by itself, as streams of events do, has the last part of the time for that. */
  #endInTime(): Alarm | undefined {
    if (this.#served === undefined) return undefined;
    const { maxWaitTime } = this.#context.options;
    return new Alarm(maxWaitTime * (1 - ENDING_PART), () => {
      this.#isProgramTold = terminateProgram();
    }).unref();
  }

  /** Connections that keep something in this process stay here until they are between two requests. */
  async #retire(served: ServedSessions): Promise<void> {
    const { lease } = this.#life;
    this.#retirement = new Retirement({
      context: this.#context,
      child: this.#child,
      topology: this.#topology,
      id: this.#id,
      lease,
      gateway: this.#gateway,
      served,
      sessions: this.#sessions as Sessions,
      tasks: this.#tasks,
      channels: this.#channels,
      ask: () => this.#life.tell({ type: 'asideWanted', pid: process.pid }),
      onRead: () => this.#isRemoved && this.#life.tell({ type: 'drained' }),
      onCorrupt: (error) => this.#asideCorrupt(error),
    });
    await this.#retirement.run();
    this.#isProgramTold = this.#retirement.isProgramTold;
  }

  #asideCorrupt(error: Error): void {
    this.#context.log.error(
      `what comes to this process, which was replaced, makes no sense: ${error.message}`,
    );
    process.exit(1);
  }

  #inHand(): string[] {
    const messages = this.#sessions?.inFlight ?? 0;
    const tasks = this.#tasks.pending;
    const clients = this.#own?.connections ?? (this.#retirement ? (this.#served?.size ?? 0) : 0);
    return [
      ...(messages > 0 ? [`${messages} handlers of sessions`] : []),
      ...(tasks > 0 ? [`${tasks} tasks`] : []),
      ...(clients > 0 ? [`${clients} clients`] : []),
    ];
  }
}

/** Without what makes connections of servers: nothing of the program runs in it. */
const rehearsed: MakeRehearsed = (context, child, topology) =>
  new WorkerRole(context, child, topology, asWorker(0));
