import type { TransportChannel } from '@millrace/channel';
import type { MappedMemory } from '@millrace/native';
import type { DoorbellListener } from '@millrace/shared-memory';
import {
  ClaimTable,
  type SpillDirectory,
  TaskBoard,
  TaskClient,
  type TaskMessage,
  type TaskQueue,
} from '@millrace/task-pool';
import type { TaskWorkerDied, TaskWorkerUp } from './control-messages.js';
import type { FabricShape } from './fabric.js';
import { TASKS, TASKS_AT_HAND, TASKS_COMPLETED, TASKS_FAILED } from './shared/counters-layout.js';
import { openTaskQueue } from './task-queue.js';
import { askerOf, type FindDescriptor, openAskerWays, openBoardMemory } from './task-ways.js';
import { LaterChannel, LaterQueue } from './worker/later-channels.js';

export interface TaskAskerParts {
  readonly shape: FabricShape;
  /** Who asks, among the peers. */
  readonly peer: number;
  /** Which process of its name this is; no two that share their claims have one number. */
  readonly incarnation: number;
  readonly find: FindDescriptor;
  /** Whether the descriptors are somebody else's to close. */
  readonly borrowed?: boolean;
  readonly maxQueue: number;
  /** The counters of this process. */
  readonly counters: Float64Array;
  /** Where large values go; undefined where there are no task workers. */
  readonly files: SpillDirectory | undefined;
  /** Which run of the server this is, in messages that may outlive it; undefined in a process that uses no queue. */
  readonly run: string | undefined;
  /** A result that a task sent by `finish` and no callback takes. */
  readonly finished: (id: number, value: unknown) => void;
}

/**
 * How a process asks task workers: a worker, a user process, the manager or the master. What is asked for before its ways
 * are opened waits.
 */
export class TaskAsker {
  readonly client: TaskClient;
  readonly #parts: TaskAskerParts;
  readonly #asker: number;
  readonly #links: readonly LaterChannel[];
  readonly #memories: MappedMemory[] = [];
  readonly #board: TaskBoard | undefined;
  readonly #shared: LaterQueue | undefined;
  #queue: TaskQueue | undefined;
  #channels: TransportChannel<TaskMessage>[] = [];

  constructor(parts: TaskAskerParts) {
    const { shape, peer, run, incarnation, maxQueue, finished } = parts;
    this.#parts = parts;
    this.#asker = askerOf(shape, peer);
    this.#links = Array.from({ length: shape.taskWorkers }, () => new LaterChannel());
    this.#board = this.#openBoard();
    const board = this.#board;
    if (shape.taskQueue !== undefined && run !== undefined) this.#shared = new LaterQueue();
    this.client = new TaskClient({
      links: this.#links.map((channel) => ({ channel })),
      shared: this.#shared,
      incarnation,
      claims: board?.claims(this.#asker) ?? new ClaimTable(new ArrayBuffer(0)),
      load: board && ((taskWorker) => board.load(taskWorker)),
      first: this.#asker,
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
    const { shape, find, borrowed = false, files, run, counters } = this.#parts;
    if (shape.taskWorkers === 0) return;
    if (files !== undefined && run !== undefined) this.#queue = openTaskQueue({ run, shape, files });
    if (this.#queue !== undefined) this.#shared?.become(this.#queue.link(this.#asker));
    counters[TASKS] = (counters[TASKS] as number) + this.client.pending;
    counters[TASKS_AT_HAND] = this.client.pending;
    const ways = openAskerWays(shape, find, this.#asker, { listener, spill: files, borrowed });
    this.#channels = ways.channels;
    this.#memories.push(...ways.memories);
    for (const [index, channel] of this.#channels.entries()) {
      this.#links[index]?.become(channel);
      // Those that come later say so.
      if (this.#board?.isUp(index)) this.client.workerReady(index);
    }
  }

  heard(message: TaskWorkerDied | TaskWorkerUp): void {
    if (message.type === 'taskWorkerUp') {
      if (this.#channels.length > 0) this.client.workerReady(message.taskWorker);
    } else this.client.workerDied(message.taskWorker, message.exit);
  }

  /** The counters are this process's as long as its ways are. */
  #count(counter: number): void {
    if (this.#channels.length === 0) return;
    const { counters } = this.#parts;
    counters[counter] = (counters[counter] as number) + 1;
    counters[TASKS_AT_HAND] = this.client.pending;
  }

  #openBoard(): TaskBoard | undefined {
    const { shape, find } = this.#parts;
    if (shape.taskWorkers === 0) return undefined;
    const memory = openBoardMemory(shape, find);
    this.#memories.push(memory);
    return new TaskBoard(memory.buffer, shape.taskWorkers);
  }

  /** The ways, and the claims that go with them, are the next one's. Idempotent. */
  close(): void {
    // While the task workers can still be told that nobody waits.
    this.client.close();
    for (const channel of this.#channels.splice(0)) channel.destroy();
    this.#queue?.close();
    for (const memory of this.#memories.splice(0)) memory.close();
  }
}
