import { openPipe } from '@millrace/pipe-ipc';
import type { ChildProcessContext } from '@millrace/process-pool';
import {
  type TaskContext,
  type TaskHandler,
  type TaskReply,
  type TaskRequest,
  TaskRunner,
} from '@millrace/task-pool';
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
  readonly #maxTasks: number;
  readonly place: Place;
  #taken = 0;
  #running = 0;

  /** `id` counts task workers from 0; their worker ids follow those of the event workers. */
  constructor(context: RoleContext, child: ChildProcessContext, shape: FabricShape, id: number) {
    this.#context = context;
    this.#child = child;
    this.#workerId = shape.workers + id;
    const { taskMaxRequest, taskMaxRequestGrace } = context.options;
    this.#maxTasks = drawLimit(taskMaxRequest, taskMaxRequestGrace);
    // One at a time: what is not taken stays for a replacement.
    const channels = taskWorkerDescriptors(shape, id).map((name) =>
      openPipe<TaskReply, TaskRequest>(child.descriptor(name), { batch: 1 }),
    );
    this.#runner = new TaskRunner({
      channels,
      handler: (name) => {
        const handler = this.#handler(name);
        return handler && this.#counted(handler);
      },
      onUnsendable: (error, name) =>
        context.log.error({ err: error, task: name }, 'the result of a task cannot be sent'),
    });
    this.place = new Place(child, {
      onLeave: () => void this.#leaving.begin({ linger: false }),
      onMessage: (message) => {
        if ('reopenLog' in message) context.reopenLog();
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
      inHand: () => (this.#running > 0 ? [`${this.#running} tasks`] : []),
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
    return this.#running > 0 ? 'busy' : 'idle';
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
      handler && ((data: unknown, { id, source }: TaskContext) => handler({ id, workerId: source, data }))
    );
  }

  /** Counts tasks; when it has run as many as it is to run, the next process of its name gets the others. */
  #counted(handler: TaskHandler): TaskHandler {
    return async (value, context) => {
      this.#running++;
      if (++this.#taken === this.#maxTasks) this.#served();
      try {
        return await handler(value, context);
      } finally {
        this.#running--;
      }
    };
  }

  #served(): void {
    // At once, so that nothing is taken behind this one; the runner still answers it.
    void this.#runner.stop();
    this.#child.detach();
    setImmediate(() => void this.#leaving.begin());
  }
}
