import { openPipe } from '@millrace/pipe-ipc';
import type { ChildProcessContext } from '@millrace/process-pool';
import { type TaskContext, type TaskHandler, TaskRunner, taskCodec } from '@millrace/task-pool';
import { runInOrder } from '../events.js';
import { type FabricShape, taskWorkerDescriptors } from '../fabric.js';
import type { Role, RoleContext, WorkerStatus } from '../role.js';
import { Leaving } from './leaving.js';
import { drawLimit } from './limit.js';
import { Place } from './place.js';

/** Runs the user's tasks, one at a time. */
export class TaskWorkerRole implements Role {
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #workerId: number;
  readonly #runner: TaskRunner;
  readonly #leaving: Leaving;
  readonly place: Place;

  /** `id` counts task workers from 0; their worker ids follow those of the event workers. */
  constructor(context: RoleContext, child: ChildProcessContext, shape: FabricShape, id: number) {
    this.#context = context;
    this.#child = child;
    this.#workerId = shape.workers + id;
    const { taskMaxRequest, taskMaxRequestGrace } = context.options;
    const maxTasks = drawLimit(taskMaxRequest, taskMaxRequestGrace);
    // One at a time: what is not taken stays for a replacement.
    const channels = taskWorkerDescriptors(shape, id).map((name) =>
      openPipe(child.descriptor(name), { batch: 1, codec: taskCodec() }),
    );
    this.#runner = new TaskRunner({
      channels,
      handler: (name) => this.#handler(name),
      onDone: (begun) => {
        if (begun >= maxTasks) this.#served();
      },
      onUnsendable: (error, name) =>
        context.log.error({ err: error, task: name }, 'the result of a task cannot be sent'),
    });
    this.place = new Place(child, {
      onLeave: () => void this.#leaving.begin({ linger: false }),
      onMessage: (message) => {
        if ('reopenLog' in message) context.reopenLog();
        else if ('sessionsLost' in message) context.settleLost();
      },
    });
    this.#leaving = new Leaving({
      context,
      child,
      place: this.place,
      workerId: this.#workerId,
      finish: async () => {
        await this.#runner.stop();
        await Promise.all(channels.map((channel) => channel.drained()));
        await context.flushClients();
      },
      inHand: () => (this.#runner.running > 0 ? [`${this.#runner.running} tasks`] : []),
    });
    this.place.whenReleased(() => {
      for (const channel of channels) channel.destroy();
    });
    child.onStop((mode) => {
      // Nobody but this process knows of the signal: its place must not stay empty.
      if (mode === 'signal') child.detach();
      void this.#leaving.begin();
    });
  }

  get status(): WorkerStatus {
    if (this.#leaving.asked) return 'exiting';
    return this.#runner.running > 0 ? 'busy' : 'idle';
  }

  async start(): Promise<void> {
    await runInOrder(this.#context.handlers.get('workerStart'), this.#workerId);
    this.#child.ready();
    await this.place.taken();
    if (!this.#leaving.asked) this.#runner.start();
  }

  /** The empty name is Swoole's own form: one handler for all tasks. */
  #handler(name: string): TaskHandler | undefined {
    if (name !== '') {
      const { tasks } = this.#context.options;
      return Object.hasOwn(tasks, name) ? (tasks[name] as TaskHandler) : undefined;
    }
    const handler = this.#context.handlers.get('task').at(-1);
    return (
      handler &&
      ((data: unknown, context: TaskContext) =>
        handler({
          id: context.id,
          workerId: context.source,
          data,
          finish: (result) => context.finish(result),
        }))
    );
  }

  /** It has run as many tasks as it is to run: the next process of its name gets the others. */
  #served(): void {
    this.#child.detach();
    void this.#leaving.begin();
  }
}
