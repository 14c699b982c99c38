import { copyOf, type Poller, TransportChannel } from '@millrace/channel';
import { check, createMemory, MappedMemory, syscalls } from '@millrace/native';
import { createPipe, PipeTransport } from '@millrace/pipe-ipc';
import {
  DOORBELL_BYTES,
  Doorbell,
  DoorbellListener,
  openRing,
  RingTransport,
  ringBytes,
  ringPieceBytes,
} from '@millrace/shared-memory';
import {
  type QueueAddress,
  type SpillDirectory,
  TaskBoard,
  type TaskMessage,
  taskCodec,
} from '@millrace/task-pool';
import { MAX_TASK_RING_BYTES, MIN_TASK_RING_BYTES, TASK_RINGS_BYTES } from './constants.js';

/** How tasks travel between workers and task workers. */
export const TASK_TRANSPORTS = ['ring', 'pipe', 'posix-queue', 'system-v-queue'] as const;
export type TaskTransportName = (typeof TASK_TRANSPORTS)[number];

export interface TaskShape {
  readonly workers: number;
  readonly taskWorkers: number;
  readonly taskTransport: TaskTransportName;
  /** The queue of the system by which tasks travel to whoever is free, where there is one. */
  readonly taskQueue: QueueAddress | undefined;
  /** Bytes of a ring. */
  readonly taskRingSize: number;
  /** Whether values stay in a ring as long as it takes them in one piece. */
  readonly taskValuesInMemory: boolean;
}

/**
 * Between each worker and each task worker lies a way for tasks and their answers, and all share one board of claims
 * (task-board.ts of @millrace/task-pool). With `'pipe'` a way is a socket pair. With `'ring'` it is two rings; those of
 * one task worker lie in one memory, behind the word of its bell:
 *
 *   ┌─────────────────┬──────────────┬────────────────┬──────────────┬─── …
 *   │ the bell's word │ worker 0's   │ answers to     │ worker 1's   │
 *   │                 │ tasks        │ worker 0       │ tasks        │
 *   └─────────────────┴──────────────┴────────────────┴──────────────┴─── …
 *
 * Workers are rung by the bell that reactor threads ring, too: one wake-up is for all that there is.
 *
 * With a queue of the system the ways are rings as well, for answers and for the tasks of a chosen task worker; all other
 * tasks travel in the queue (task-queue.ts of @millrace/task-pool).
 */
export const BOARD = 'tasks.board';
const memoryName = (taskWorker: number) => `tasks.${taskWorker}`;
const bellName = (taskWorker: number) => `tasks.${taskWorker}.bell`;
const askerName = (worker: number, taskWorker: number) => `task.${worker}.${taskWorker}.asker`;
const runnerName = (worker: number, taskWorker: number) => `task.${worker}.${taskWorker}.runner`;

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Bytes of a ring that are sensible for so many: each takes a value of 64 KiB in one piece, unless there are very many. */
export function defaultTaskRingSize(workers: number, taskWorkers: number): number {
  const share = TASK_RINGS_BYTES / Math.max(1, workers * taskWorkers * 2);
  return Math.min(MAX_TASK_RING_BYTES, Math.max(MIN_TASK_RING_BYTES, 2 ** Math.floor(Math.log2(share))));
}

/** Makes all of it, into `made`. */
export function createTaskWays(shape: TaskShape, made: Record<string, number>): void {
  const { workers, taskWorkers } = shape;
  if (taskWorkers === 0) return;
  made[BOARD] = createMemory('millrace-task-board', TaskBoard.bytes(workers, taskWorkers));
  for (const taskWorker of range(taskWorkers)) {
    if (hasRings(shape)) {
      made[memoryName(taskWorker)] = createMemory(`millrace-tasks-${taskWorker}`, memoryBytes(shape));
      made[bellName(taskWorker)] = check(syscalls.eventfd(), 'eventfd');
      continue;
    }
    for (const worker of range(workers)) {
      const pipe = createPipe();
      made[askerName(worker, taskWorker)] = pipe.left;
      made[runnerName(worker, taskWorker)] = pipe.right;
    }
  }
}

/** The names by which a worker asks task workers. */
export function askerDescriptors(shape: TaskShape, worker: number): string[] {
  const { taskWorkers } = shape;
  if (taskWorkers === 0) return [];
  const ways = range(taskWorkers).flatMap((taskWorker) =>
    hasRings(shape) ? [memoryName(taskWorker), bellName(taskWorker)] : [askerName(worker, taskWorker)],
  );
  return [BOARD, ...ways];
}

/** The names by which a task worker is asked; its id counts task workers. */
export function runnerDescriptors(shape: TaskShape, id: number): string[] {
  return hasRings(shape)
    ? [BOARD, memoryName(id), bellName(id)]
    : [BOARD, ...range(shape.workers).map((worker) => runnerName(worker, id))];
}

/** Finds a descriptor of this process by its name. */
export type FindDescriptor = (name: string) => number;

export function openBoard({ workers, taskWorkers }: TaskShape, find: FindDescriptor): TaskBoard {
  const { buffer } = new MappedMemory(find(BOARD), TaskBoard.bytes(workers, taskWorkers));
  return new TaskBoard(buffer, taskWorkers);
}

/** A worker's ways to the task workers; of one process at a time. `listener` is on the worker's own bell. */
export function openAskerWays(
  shape: TaskShape,
  find: FindDescriptor,
  worker: number,
  listener: DoorbellListener,
  spill: SpillDirectory,
): TransportChannel<TaskMessage>[] {
  const codec = () => codecOf(shape, spill);
  return range(shape.taskWorkers).map((taskWorker) => {
    if (!hasRings(shape))
      return new TransportChannel(new PipeTransport(find(askerName(worker, taskWorker))), codec());
    const { buffer } = new MappedMemory(find(memoryName(taskWorker)), memoryBytes(shape));
    const [down, up] = ringsOf(shape, buffer, worker);
    const peer = new Doorbell(find(bellName(taskWorker)), buffer, 0);
    return new TransportChannel(new RingTransport({ incoming: up, outgoing: down, listener, peer }), codec());
  });
}

/** A task worker's ways to the workers; of one process at a time. */
export interface RunnerWays {
  readonly channels: readonly TransportChannel<TaskMessage>[];
  close(): void;
}

/** `bellOf` finds the bell of a worker. */
export function openRunnerWays(
  shape: TaskShape,
  find: FindDescriptor,
  id: number,
  bellOf: (worker: number) => Doorbell,
  poller: Poller,
  spill: SpillDirectory,
): RunnerWays {
  const codec = () => codecOf(shape, spill);
  const closeAll = (channels: readonly TransportChannel<TaskMessage>[]) => {
    for (const channel of channels) channel.destroy();
  };
  if (!hasRings(shape)) {
    const channels = range(shape.workers).map(
      (worker) => new TransportChannel(new PipeTransport(find(runnerName(worker, id))), codec()),
    );
    return { channels, close: () => closeAll(channels) };
  }
  const { buffer } = new MappedMemory(find(memoryName(id)), memoryBytes(shape));
  const listener = new DoorbellListener(new Doorbell(find(bellName(id)), buffer, 0), poller);
  const channels = range(shape.workers).map((worker) => {
    const [down, up] = ringsOf(shape, buffer, worker);
    const transport = new RingTransport({ incoming: down, outgoing: up, listener, peer: bellOf(worker) });
    return new TransportChannel(transport, codec());
  });
  const close = () => {
    closeAll(channels);
    listener.close();
  };
  return { channels, close };
}

function hasRings({ taskTransport }: TaskShape): boolean {
  return taskTransport !== 'pipe';
}

function memoryBytes({ workers, taskRingSize }: TaskShape): number {
  return DOORBELL_BYTES + workers * 2 * ringBytes(taskRingSize);
}

/** The ring of a worker's tasks, and that of the answers to it. */
function ringsOf({ taskRingSize }: TaskShape, memory: ArrayBuffer, worker: number) {
  const at = (index: number) =>
    openRing(memory, DOORBELL_BYTES + index * ringBytes(taskRingSize), taskRingSize);
  return [at(worker * 2), at(worker * 2 + 1)] as const;
}

function codecOf(shape: TaskShape, spill: SpillDirectory) {
  const inMemory = hasRings(shape) && shape.taskValuesInMemory;
  const inlineBytes = inMemory ? ringPieceBytes(shape.taskRingSize) : undefined;
  return taskCodec({ spill, inlineBytes, copy: copyOf });
}
