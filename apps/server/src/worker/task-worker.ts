import { openPipe } from '@millrace/pipe-ipc';
import type { ChildProcessContext } from '@millrace/process-pool';
import { type TaskContext, type TaskHandler, TaskRunner, taskCodec } from '@millrace/task-pool';
import { runInOrder } from '../events.js';
import { type FabricShape, taskWorkerDescriptors } from '../fabric.js';
import type { Role, RoleContext } from '../role.js';

/** Runs the user's tasks, one at a time. */
export class TaskWorkerRole implements Role {
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #workerId: number;
  readonly #runner: TaskRunner;
  #stopping = false;

  /** `id` counts task workers from 0; their worker ids follow those of the event workers. */
  constructor(context: RoleContext, child: ChildProcessContext, shape: FabricShape, id: number) {
    this.#context = context;
    this.#child = child;
    this.#workerId = shape.workers + id;
    this.#runner = new TaskRunner({
      // One at a time: what is not taken stays for a replacement.
      channels: taskWorkerDescriptors(shape, id).map((name) =>
        openPipe(child.descriptor(name), { batch: 1, codec: taskCodec() }),
      ),
      handler: (name) => this.#handler(name),
      onUnsendable: (error, name) =>
        context.log.error({ err: error, task: name }, 'the result of a task cannot be sent'),
    });
    child.onStop(() => void this.#stop());
  }

  async start(): Promise<void> {
    await runInOrder(this.#context.handlers.get('workerStart'), this.#workerId);
    this.#runner.start();
    this.#child.ready();
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

  async #stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await this.#runner.stop();
    await runInOrder(this.#context.handlers.get('workerStop'), this.#workerId);
    process.exit(0);
  }
}
