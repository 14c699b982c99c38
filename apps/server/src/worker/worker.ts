import { TransportChannel } from '@millrace/channel';
import { PipeTransport } from '@millrace/pipe-ipc';
import type { ChildProcessContext } from '@millrace/process-pool';
import { TaskClient, type TaskLink, taskCodec } from '@millrace/task-pool';
import { runInOrder } from '../events.js';
import { type FabricShape, taskAskerName } from '../fabric.js';
import { openLinks } from '../links.js';
import { incarnationOf, type Role, type RoleContext, type TaskWorkerDied } from '../role.js';
import { Switchboard } from '../switchboard.js';
import type { Session } from './session.js';
import { Sessions } from './sessions.js';

/** Runs the user's handlers for connections. */
export class WorkerRole implements Role {
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #id: number;
  readonly sessions: Sessions;
  readonly switchboard: Switchboard;
  readonly tasks: TaskClient;
  #stopping = false;

  constructor(context: RoleContext, child: ChildProcessContext, shape: FabricShape, id: number) {
    this.#context = context;
    this.#child = child;
    this.#id = id;
    const { channels, view } = openLinks(child, shape, id);
    const counters = view.counters();
    this.switchboard = new Switchboard({
      channels,
      table: view.connections(),
      counters,
      ports: context.ports,
      own: counters.process(id),
      // More waits to be sent than the reactor thread takes: then nothing more is asked for; see Sessions.start.
      onCongestion: (channel) => channel.pause(),
    });
    this.sessions = new Sessions({
      channels,
      switchboard: this.switchboard,
      counters: counters.process(id),
      handlers: context.portHandlers,
      onFailure: (error, session) => this.#handlerFailed(error, session),
    });
    this.tasks = new TaskClient({
      links: Array.from({ length: shape.taskWorkers }, (_, index) =>
        openTaskLink(child.descriptor(taskAskerName(id, index))),
      ),
      incarnation: incarnationOf(child),
      maxQueue: context.options.taskMaxQueue,
      finished: (id, data) => void this.#finished(id, data),
    });
    child.onMessage((body) => {
      const { taskWorker, exit } = body as TaskWorkerDied;
      this.tasks.workerDied(taskWorker, exit);
    });
    child.onStop((mode) => void this.#stop(mode === 'drain'));
  }

  async start(): Promise<void> {
    await runInOrder(this.#context.handlers.get('workerStart'), this.#id);
    this.sessions.start();
    this.#child.ready();
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

  async #stop(drain: boolean): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await this.sessions.stop({ drain });
    // Tasks that no handler waits for have been accepted as well.
    await this.tasks.settled();
    await this.switchboard.flush();
    await this.#context.flushMail();
    await runInOrder(this.#context.handlers.get('workerStop'), this.#id);
    process.exit(0);
  }
}

function openTaskLink(fd: number): TaskLink {
  const transport = new PipeTransport(fd);
  const channel = new TransportChannel(transport, taskCodec());
  return { channel, lastIsUnread: () => transport.lastIsUnread };
}
