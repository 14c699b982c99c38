import type { TransportChannel } from '@millrace/channel';
import type { ChildProcessContext } from '@millrace/process-pool';
import type { DoorbellListener } from '@millrace/shared-memory';
import {
  ClaimTable,
  type SpillDirectory,
  type TaskBoard,
  TaskClient,
  type TaskMessage,
  type TaskQueue,
} from '@millrace/task-pool';
import type { FabricShape } from '../fabric.js';
import { incarnationOf, type TaskWorkerDied, type TaskWorkerUp } from '../role.js';
import { TASKS, TASKS_AT_HAND, TASKS_COMPLETED, TASKS_FAILED } from '../shared/counters-layout.js';
import { openTaskQueue } from '../task-queue.js';
import { openAskerWays, openBoard } from '../task-ways.js';
import { LaterChannel, LaterQueue } from './later-channels.js';

export interface WorkerTasksParts {
  readonly child: ChildProcessContext;
  readonly shape: FabricShape;
  /** The worker's id. */
  readonly worker: number;
  readonly maxQueue: number;
  /** The counters of this process. */
  readonly counters: Float64Array;
  readonly taskTmpdir: string;
  /** Where large values go; undefined where there are no task workers. */
  readonly files: SpillDirectory | undefined;
  /** A result that a task sent by `finish` and no callback takes. */
  readonly finished: (id: number, value: unknown) => void;
}

/** How a worker asks task workers. What is asked for before it has its place waits. */
export class WorkerTasks {
  readonly client: TaskClient;
  readonly #parts: WorkerTasksParts;
  readonly #links: readonly LaterChannel[];
  readonly #board: TaskBoard | undefined;
  readonly #shared: LaterQueue | undefined;
  #queue: TaskQueue | undefined;
  #channels: TransportChannel<TaskMessage>[] = [];

  constructor(parts: WorkerTasksParts) {
    const { child, shape, worker, maxQueue, finished } = parts;
    this.#parts = parts;
    this.#links = Array.from({ length: shape.taskWorkers }, () => new LaterChannel());
    const board = shape.taskWorkers > 0 ? openBoard(shape, (name) => child.descriptor(name)) : undefined;
    this.#board = board;
    if (shape.taskQueue !== undefined) this.#shared = new LaterQueue();
    this.client = new TaskClient({
      links: this.#links.map((channel) => ({ channel })),
      shared: this.#shared,
      incarnation: incarnationOf(child),
      claims: board?.claims(worker) ?? new ClaimTable(new ArrayBuffer(0)),
      load: board && ((taskWorker) => board.load(taskWorker)),
      first: worker,
      maxQueue,
      finished,
      tally: {
        asked: () => this.#count(TASKS),
        completed: () => this.#count(TASKS_COMPLETED),
        failed: () => this.#count(TASKS_FAILED),
      },
    });
  }

  /** The ways are this process's; `listener` is on its bell. */
  open(listener: DoorbellListener): void {
    const { child, shape, worker, files, taskTmpdir } = this.#parts;
    if (files === undefined) return;
    this.#queue = openTaskQueue({ child, shape, files, taskTmpdir });
    if (this.#queue !== undefined) this.#shared?.become(this.#queue.link(worker));
    const { counters } = this.#parts;
    counters[TASKS] = (counters[TASKS] as number) + this.client.pending;
    counters[TASKS_AT_HAND] = this.client.pending;
    this.#channels = openAskerWays(shape, (name) => child.descriptor(name), worker, listener, files);
    for (const [index, channel] of this.#channels.entries()) {
      this.#links[index]?.become(channel);
      // Those that come later say so.
      if (this.#board?.isUp(index)) this.client.workerReady(index);
    }
  }

  heard(message: TaskWorkerDied | TaskWorkerUp): void {
    if ('taskWorkerUp' in message) {
      if (this.#channels.length > 0) this.client.workerReady(message.taskWorkerUp);
    } else this.client.workerDied(message.taskWorker, message.exit);
  }

  /** The counters are this process's as long as its ways are. */
  #count(counter: number): void {
    if (this.#channels.length === 0) return;
    const { counters } = this.#parts;
    counters[counter] = (counters[counter] as number) + 1;
    counters[TASKS_AT_HAND] = this.client.pending;
  }

  /** The ways, and the claims that go with them, are the next one's. */
  close(): void {
    // While the task workers can still be told that nobody waits.
    this.client.close();
    for (const channel of this.#channels.splice(0)) channel.destroy();
    this.#queue?.close();
  }
}
