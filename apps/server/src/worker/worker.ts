import { giveMessagesRoom } from '@millrace/channel/internal';
import type { ChildProcessContext } from '@millrace/process-pool';
import type { TaskClient } from '@millrace/task-pool/internal';
import type { OwnReactor } from '../base/own-reactor.js';
import { RESTORE_MS } from '../constants.js';
import { type FromWorker, unknownMessage } from '../contract/control-messages.js';
import { runInOrder } from '../contract/events.js';
import {
  incarnationOf,
  type Role,
  type RoleAssignment,
  type RoleContext,
  SHUTDOWN,
  type WorkerStatus,
} from '../contract/role.js';
import type { Session } from '../contract/session.js';
import type { OpenedResources } from '../links/shared-resources.js';
import { checkTaskMeans } from '../links/task-queue.js';
import type { Topology } from '../links/topology.js';
import { LogLimit } from '../log/log.js';
import { beat } from '../process/heartbeat.js';
import { drawLimit } from '../process/limit.js';
import { ProcessPids } from '../process/process-pids.js';
import { type LeaseMessage, RoleLease } from '../process/role-lease.js';
import { untilSettled } from '../process/settling.js';
import { onTermination } from '../process/termination.js';
import { WorkerDrain } from '../process/worker-drain.js';
import type { UserFunctions } from '../reactor/reactor-context.js';
import { DatagramSender } from '../sessions/datagram-sender.js';
import { type Links, openLinks, openView } from '../sessions/open-gateway.js';
import { SessionGateway } from '../sessions/session-gateway.js';
import { CounterBlock, restoredText } from '../shared/counter-block.js';
import { DONE, REQUESTS } from '../shared/counters-layout.js';
import { TaskAsker } from '../tasks/task-asker.js';
import { openTaskFiles } from '../tasks/task-files.js';
import { Sessions } from './sessions.js';

/** Runs the user's handlers for connections. */
export class WorkerRole implements Role {
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #topology: Topology;
  readonly #id: number;
  readonly #view: OpenedResources;
  readonly #leaving: WorkerDrain;
  readonly lease: RoleLease;
  readonly gateway: SessionGateway;
  readonly #tasks: TaskAsker;
  /** In base mode. */
  readonly #own: OwnReactor | undefined;
  #channels: Links['channels'] = [];
  #sessions: Sessions | undefined;
  #serving = false;
  /** The manager has been told that it is. */
  #isReady = false;
  /** Whether it reads up to the last packets before it ends. */
  #drain = false;

  /** `own`: in base mode, where the worker is a reactor. */
  constructor(
    context: RoleContext,
    child: ChildProcessContext,
    topology: Topology,
    id: number,
    own?: { readonly Reactor: typeof OwnReactor; readonly functions: UserFunctions | undefined },
  ) {
    this.#context = context;
    this.#child = child;
    this.#topology = topology;
    this.#id = id;
    this.#view = openView(child, topology, id);
    const counters = this.#view.counters();
    const table = this.#view.connections();
    this.#own =
      own && new own.Reactor({ context, child, topology, id, table, counters, functions: own.functions });
    this.gateway = new SessionGateway({
      channels: topology.reactors,
      datagrams: DatagramSender.of(child, topology),
      table,
      counters,
      tls: this.#view.tls(),
      ports: context.ports,
      own: counters.process(id),
      reactor: this.#own && id,
      // More waits to be sent than the reactor thread takes: then nothing more is asked for; see Sessions.start.
      onCongestion: (reactor) => (this.#own?.channel ?? this.#channels[reactor])?.pause(),
    });
    const { taskFiles, taskRun } = child.data as RoleAssignment;
    const files = taskFiles === undefined ? undefined : openTaskFiles(context.options, taskFiles, taskRun);
    checkTaskMeans(context.options, topology, files);
    this.#tasks = new TaskAsker({
      topology,
      peer: id,
      incarnation: incarnationOf(child),
      find: (name) => child.descriptor(name),
      run: taskRun,
      maxQueue: context.options.taskMaxQueue,
      counters: counters.process(id),
      files,
      limit: new LogLimit(context),
      replace: (peer) => child.send({ type: 'tasksCorrupt', peer } satisfies FromWorker),
      finished: (task, data) => void this.#finished(task, data),
    });
    this.lease = new RoleLease(child, context, {
      onLeave: () => void this.#leaving.begin({ linger: false }),
      onMessage: (message) => this.#heard(message),
    });
    this.#leaving = new WorkerDrain({
      context,
      child,
      lease: this.lease,
      workerId: id,
      finish: () => this.#finish(),
      inHand: () => this.#inHand(),
    });
    this.lease.whenHeld(() => this.#open());
    child.onStop((mode) => void this.#stop(mode));
    onTermination(() => child.send({ type: 'terminated', pid: process.pid } satisfies FromWorker));
  }

  /** Runs tasks; who asks for one before this process has its place needs that now: `workerStart` may wait for it. */
  get tasks(): TaskClient {
    this.lease.request();
    return this.#tasks.client;
  }

  get status(): WorkerStatus {
    if (this.#leaving.asked) return 'exiting';
    return (this.#sessions?.inFlight ?? 0) > 0 ? 'busy' : 'idle';
  }

  get sessions(): Sessions | undefined {
    return this.#sessions;
  }

  async start(): Promise<void> {
    this.#child.send({ type: 'started', pid: process.pid } satisfies FromWorker);
    const started = runInOrder(this.#context.handlers.get('workerStart'), this.#id);
    await untilSettled(
      this.#context,
      'workerStart',
      `${this.#child.name} takes nothing before it has`,
      started,
    );
    if (this.#leaving.bySignal) return;
    this.#child.ready();
    this.#isReady = true;
    await this.lease.acquired();
    if (!this.#leaving.asked) this.#serve();
  }

  /** Takes messages from here on. */
  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    giveMessagesRoom();
    this.#sessions?.start();
    this.gateway.hear();
    this.#own?.serve();
  }

  /** The manager replaces this process, and whoever is at the other end empties what lies between. */
  #linkCorrupt(reactor: number, error: Error): void {
    this.#context.log.error(`what comes from reactor ${reactor} makes no sense: ${error.message}`);
    this.#child.send({ type: 'linkCorrupt', peer: this.#id } satisfies FromWorker);
  }

  /** The process of a peer has ended over what it had written to the rings, and the next waits until they are emptied. */
  #resetLinks(peer: number): void {
    // Of whoever has been given the place meanwhile, because this process did not answer in time, nothing is emptied.
    const late = new ProcessPids(this.#view.counters()).get(peer) !== undefined;
    const reset = !late && this.#own?.reset(peer) === true;
    if (!late) this.#context.resetLink(peer);
    else this.#own?.remindOfCorrupt(peer);
    this.#child.send({ type: 'linksReset', peer, pid: process.pid, reset } satisfies FromWorker);
  }

  /** The rings and pipes are this process's. */
  #open(): void {
    const { options, portHandlers } = this.#context;
    const onCorrupt = (reactor: number, error: Error) => this.#linkCorrupt(reactor, error);
    const links = openLinks(this.#view, this.#topology, this.#id, onCorrupt, this.#context, {
      own: this.#own?.channel,
    });
    const { listener, channels } = links;
    this.#channels = channels;
    this.gateway.connect(channels, this.#view.fileSockets(), links);
    const counters = new CounterBlock(this.#view.counters().process(this.#id))
      .keep(REQUESTS, REQUESTS + 1)
      .keep(DONE);
    this.#sessions = new Sessions({
      channels,
      source: this.#own?.channel,
      gateway: this.gateway,
      counters,
      handlers: portHandlers,
      maxRequests: drawLimit(options.maxRequest, options.maxRequestGrace),
      maxConcurrency: options.workerMaxConcurrency,
      onServed: () => this.#served(),
      onFailure: (error, session) => this.#handlerFailed(error, session),
    });
    this.#tasks.open(listener);
    this.lease.whenReleased(beat(this.#view.counters().process(this.#id)));
    const restoring = setInterval(() => this.#restore(counters), RESTORE_MS).unref();
    this.lease.whenReleased(() => clearInterval(restoring));
    this.lease.whenReleased(() => {
      this.gateway.retire();
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

  #heard(message: LeaseMessage): void {
    switch (message.type) {
      case 'reopenLog':
        return void this.#context.reopenLog();
      case 'sessionsLost':
        return this.#context.settleLost();
      case 'resetLinks':
        return this.#resetLinks(message.peer);
      case 'taskWorkerUp':
      case 'taskWorkerDied':
        return this.#tasks.heard(message);
      case 'resetTasks': {
        const { taskWorker } = message;
        const reset = this.#tasks.reset(message);
        return this.#child.send({
          type: 'tasksReset',
          taskWorker,
          pid: process.pid,
          reset,
        } satisfies FromWorker);
      }
      case 'terminate':
        return message.pid === process.pid ? this.#terminate() : undefined;
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

  /** It has had as many messages as it is to have: the next process of its name gets the others. */
  #served(): void {
    this.#child.detach();
    void this.#leaving.begin();
  }

  /** It is to end, and the server is not: its place must not stay empty. */
  #terminate(): void {
    this.#child.detach();
    void this.#leaving.begin({ bySignal: !this.#isReady });
  }

  async #stop(mode: string): Promise<void> {
    // The last packets of a server that stops are for whoever has the place by then. In base mode nobody sends them.
    this.#drain = mode === SHUTDOWN && this.#own === undefined;
    await this.#leaving.begin();
  }

  async #finish(): Promise<void> {
    if (this.#drain) {
      await this.lease.acquired();
      this.#serve();
    }
    this.#own?.quiesce();
    const drained = () => this.#child.send({ type: 'drained' } satisfies FromWorker);
    await this.#sessions?.stop({ drain: this.#drain, drained });
    // Tasks that no handler waits for have been accepted as well.
    await this.#tasks.client.settled();
    await this.gateway.flush();
    if (this.#own === undefined) return;
    // What has ended with this process: the clients hear of it, then the handlers of `close`.
    await this.#own.closeAll();
    await this.#sessions?.stop({ drain: false });
  }

  #inHand(): string[] {
    const messages = this.#sessions?.inFlight ?? 0;
    const tasks = this.#tasks.client.pending;
    const clients = this.#own?.connections ?? 0;
    return [
      ...(messages > 0 ? [`${messages} handlers of sessions`] : []),
      ...(tasks > 0 ? [`${tasks} tasks`] : []),
      ...(clients > 0 ? [`${clients} clients`] : []),
    ];
  }
}
