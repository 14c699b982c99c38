import { TransportChannel } from '@millrace/channel';
import { PipeTransport } from '@millrace/pipe-ipc';
import type { ChildProcessContext } from '@millrace/process-pool';
import { TaskClient, type TaskLink, type TaskMessage, taskCodec } from '@millrace/task-pool';
import { runInOrder } from '../events.js';
import { type FabricShape, type FabricView, taskAskerName } from '../fabric.js';
import { type Links, openLinks, openView } from '../links.js';
import {
  incarnationOf,
  type Role,
  type RoleContext,
  SHUTDOWN,
  type TaskWorkerDied,
  type WorkerStatus,
} from '../role.js';
import { Switchboard } from '../switchboard.js';
import { Leaving } from './leaving.js';
import { drawLimit } from './limit.js';
import { Place } from './place.js';
import type { Session } from './session.js';
import { Sessions } from './sessions.js';

/** Runs the user's handlers for connections. */
export class WorkerRole implements Role {
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #shape: FabricShape;
  readonly #id: number;
  readonly #view: FabricView;
  readonly #leaving: Leaving;
  readonly place: Place;
  readonly switchboard: Switchboard;
  readonly #tasks: TaskClient;
  readonly #taskLinks: readonly OpenTaskLink[];
  #channels: Links['channels'] = [];
  #sessions: Sessions | undefined;
  #serving = false;
  /** Whether it reads up to the last packets before it ends. */
  #drain = false;

  constructor(context: RoleContext, child: ChildProcessContext, shape: FabricShape, id: number) {
    this.#context = context;
    this.#child = child;
    this.#shape = shape;
    this.#id = id;
    this.#view = openView(child, shape, id);
    const counters = this.#view.counters();
    this.switchboard = new Switchboard({
      channels: shape.reactors,
      table: this.#view.connections(),
      counters,
      tls: this.#view.tls(),
      ports: context.ports,
      own: counters.process(id),
      // More waits to be sent than the reactor thread takes: then nothing more is asked for; see Sessions.start.
      onCongestion: (reactor) => this.#channels[reactor]?.pause(),
    });
    this.#taskLinks = Array.from({ length: shape.taskWorkers }, (_, index) =>
      openTaskLink(child.descriptor(taskAskerName(id, index))),
    );
    this.#tasks = new TaskClient({
      links: this.#taskLinks,
      held: true,
      incarnation: incarnationOf(child),
      maxQueue: context.options.taskMaxQueue,
      finished: (task, data) => void this.#finished(task, data),
    });
    this.place = new Place(child, {
      onLeave: () => void this.#leaving.begin({ linger: false }),
      onMessage: (message) => this.#heard(message),
    });
    this.#leaving = new Leaving({
      context,
      child,
      place: this.place,
      workerId: id,
      finish: () => this.#finish(),
      inHand: () => this.#inHand(),
    });
    this.place.whenTaken(() => this.#open());
    child.onStop((mode) => void this.#stop(mode));
  }

  /** Runs tasks; who asks for one before this process has its place needs that now: `workerStart` may wait for it. */
  get tasks(): TaskClient {
    this.place.want();
    return this.#tasks;
  }

  get status(): WorkerStatus {
    if (this.#leaving.asked) return 'exiting';
    return (this.#sessions?.inFlight ?? 0) > 0 ? 'busy' : 'idle';
  }

  get sessions(): Sessions | undefined {
    return this.#sessions;
  }

  async start(): Promise<void> {
    await runInOrder(this.#context.handlers.get('workerStart'), this.#id);
    this.#child.ready();
    await this.place.taken();
    if (!this.#leaving.asked) this.#serve();
  }

  /** Takes messages from here on. */
  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    this.#sessions?.start();
  }

  /** The rings and pipes are this process's. */
  #open(): void {
    const { options, portHandlers } = this.#context;
    const { listener, channels } = openLinks(this.#view, this.#shape, this.#id);
    this.#channels = channels;
    this.switchboard.connect(channels);
    this.#sessions = new Sessions({
      channels,
      switchboard: this.switchboard,
      counters: this.#view.counters().process(this.#id),
      handlers: portHandlers,
      maxRequests: drawLimit(options.maxRequest, options.maxRequestGrace),
      maxConcurrency: options.workerMaxConcurrency,
      onServed: () => this.#served(),
      onFailure: (error, session) => this.#handlerFailed(error, session),
    });
    // What was asked for before waits.
    for (const [index, { channel }] of this.#taskLinks.entries()) {
      channel.resume();
      this.#tasks.workerReady(index);
    }
    this.place.whenReleased(() => {
      this.switchboard.retire();
      for (const channel of [...channels, ...this.#taskLinks.map((link) => link.channel)]) channel.destroy();
      listener.close();
    });
  }

  #heard(message: TaskWorkerDied | { readonly reopenLog: true }): void {
    if ('reopenLog' in message) this.#context.reopenLog();
    else this.#tasks.workerDied(message.taskWorker, message.exit);
  }

  /** The client would wait for an answer that does not come: unless the user's own handler knows better, it is closed. */
  #handlerFailed(error: unknown, session: Session | undefined): void {
    const handlers = this.#context.handlers.get('error');
    for (const handler of handlers) handler(error, session);
    if (handlers.length > 0) return;
    const details = { err: error, session: session?.id, client: session?.remoteAddress };
    const cost = session ? 'its session is closed' : 'its datagram is not answered';
    this.#context.log.error(details, `a handler has failed; ${cost}`);
    session?.close();
  }

  /** A task of Swoole's own form has sent a result. */
  async #finished(id: number, data: unknown): Promise<void> {
    for (const handler of this.#context.handlers.get('finish')) await handler({ id, data });
  }

  /** It has had as many messages as it is to have: the next process of its name gets the others. */
  #served(): void {
    this.#child.detach();
    void this.#leaving.begin();
  }

  async #stop(mode: string): Promise<void> {
    // Nobody but this process knows of the signal: its place must not stay empty.
    if (mode === 'signal') this.#child.detach();
    // The last packets of a server that stops are for whoever has the place by then.
    this.#drain = mode === SHUTDOWN;
    await this.#leaving.begin();
  }

  async #finish(): Promise<void> {
    if (this.#drain) {
      await this.place.taken();
      this.#serve();
    }
    await this.#sessions?.stop({ drain: this.#drain });
    // Tasks that no handler waits for have been accepted as well.
    await this.#tasks.settled();
    await this.switchboard.flush();
  }

  #inHand(): string[] {
    const messages = this.#sessions?.inFlight ?? 0;
    const tasks = this.#tasks.pending;
    return [
      ...(messages > 0 ? [`${messages} handlers of sessions`] : []),
      ...(tasks > 0 ? [`${tasks} tasks`] : []),
    ];
  }
}

interface OpenTaskLink extends TaskLink {
  readonly channel: TransportChannel<TaskMessage>;
}

/** Nothing is read from it before it is resumed: the pipe may be another process's yet. */
function openTaskLink(fd: number): OpenTaskLink {
  const transport = new PipeTransport(fd);
  const channel = new TransportChannel(transport, taskCodec());
  channel.pause();
  return { channel, lastIsUnread: () => transport.lastIsUnread };
}
