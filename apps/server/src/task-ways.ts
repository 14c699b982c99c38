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
  readonly userProcesses: number;
  readonly taskTransport: TaskTransportName;
  /** The queue of the system by which tasks travel to whoever is free, where there is one. */
  readonly taskQueue: QueueAddress | undefined;
  /** Whether all processes but the manager and the master become another user, or see another root directory. */
  readonly isOther: boolean;
  /** Bytes of a ring. */
  readonly taskRingSize: number;
  /** Whether values stay in a ring as long as it takes them in one piece. */
  readonly taskValuesInMemory: boolean;
}

/**
 * Those who ask, the *askers*, are the workers, then the user processes, then the manager and the master. Between each of
 * them and each task worker lies a way for tasks and their answers, and all share one board of claims
 * (task-board.ts of @millrace/task-pool). With `'pipe'` a way is a socket pair. With `'ring'` it is two rings; those of
 * one task worker lie in one memory, behind the word of its bell:
 *
 *   ┌─────────────────┬──────────────┬────────────────┬──────────────┬─── …
 *   │ the bell's word │ asker 0's    │ answers to     │ asker 1's    │
 *   │                 │ tasks        │ asker 0        │ tasks        │
 *   └─────────────────┴──────────────┴────────────────┴──────────────┴─── …
 *
 * All of it is taken at the start, so rings of those that are no workers, and ask seldom, are small.
 *
 * Askers are rung by the bell that reactor threads ring, too: one wake-up is for all that there is.
 *
 * The manager and the master put nothing into a queue of the system. Where the others become another user (`user`, `group`,
 * `chroot`) these two keep their rights: files of theirs could not be read by task workers, nor found. So values of theirs that
 * do not fit into a message are refused there; answers to them travel in the ring or pipe, in several pieces.
 *
 * With a queue of the system the ways are rings as well, for answers and for the tasks of a chosen task worker; all other
 * tasks travel in the queue (task-queue.ts of @millrace/task-pool).
 */
export const BOARD = 'tasks.board';
const memoryName = (taskWorker: number) => `tasks.${taskWorker}`;
const bellName = (taskWorker: number) => `tasks.${taskWorker}.bell`;
const askerName = (asker: number, taskWorker: number) => `task.${asker}.${taskWorker}.asker`;
const runnerName = (asker: number, taskWorker: number) => `task.${asker}.${taskWorker}.runner`;

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** How many ask: workers, user processes, the manager and the master. */
export const askersOf = ({ workers, userProcesses }: TaskShape) => workers + userProcesses + 2;
/** Which asker a peer is, and back. Task workers are peers, and ask for nothing. */
export const askerOf = ({ workers, taskWorkers }: TaskShape, peer: number) =>
  peer < workers ? peer : peer - taskWorkers;
export const peerOfAsker = ({ workers, taskWorkers }: TaskShape, asker: number) =>
  asker < workers ? asker : asker + taskWorkers;
/** Whether it has the rights of task workers, and so may use their files. */
const hasFiles = ({ workers, userProcesses, isOther }: TaskShape, asker: number) =>
  !isOther || asker < workers + userProcesses;

/** Bytes of a ring that are sensible for so many: each takes a value of 64 KiB in one piece, unless there are very many. */
export function defaultTaskRingSize(workers: number, taskWorkers: number): number {
  const share = TASK_RINGS_BYTES / Math.max(1, workers * taskWorkers * 2);
  return Math.min(MAX_TASK_RING_BYTES, Math.max(MIN_TASK_RING_BYTES, 2 ** Math.floor(Math.log2(share))));
}

/** Makes all of it, into `made`. */
export function createTaskWays(shape: TaskShape, made: Record<string, number>): void {
  const { taskWorkers } = shape;
  if (taskWorkers === 0) return;
  made[BOARD] = createMemory('millrace-task-board', boardBytes(shape));
  for (const taskWorker of range(taskWorkers)) {
    if (hasRings(shape)) {
      made[memoryName(taskWorker)] = createMemory(`millrace-tasks-${taskWorker}`, memoryBytes(shape));
      made[bellName(taskWorker)] = check(syscalls.eventfd(), 'eventfd');
      continue;
    }
    for (const asker of range(askersOf(shape))) {
      const pipe = createPipe();
      made[askerName(asker, taskWorker)] = pipe.left;
      made[runnerName(asker, taskWorker)] = pipe.right;
    }
  }
}

/** The names by which a peer asks task workers. */
export function askerDescriptors(shape: TaskShape, peer: number): string[] {
  const { taskWorkers } = shape;
  if (taskWorkers === 0) return [];
  const ways = range(taskWorkers).flatMap((taskWorker) =>
    hasRings(shape)
      ? [memoryName(taskWorker), bellName(taskWorker)]
      : [askerName(askerOf(shape, peer), taskWorker)],
  );
  return [BOARD, ...ways];
}

/** The names by which a task worker is asked; its id counts task workers. */
export function runnerDescriptors(shape: TaskShape, id: number): string[] {
  return hasRings(shape)
    ? [BOARD, memoryName(id), bellName(id)]
    : [BOARD, ...range(askersOf(shape)).map((asker) => runnerName(asker, id))];
}

/** Finds a descriptor of this process by its name. */
export type FindDescriptor = (name: string) => number;

function boardBytes(shape: TaskShape): number {
  return TaskBoard.bytes(askersOf(shape), shape.taskWorkers);
}

export function openBoardMemory(shape: TaskShape, find: FindDescriptor): MappedMemory {
  return new MappedMemory(find(BOARD), boardBytes(shape));
}

export function openBoard(shape: TaskShape, find: FindDescriptor): TaskBoard {
  return new TaskBoard(openBoardMemory(shape, find).buffer, shape.taskWorkers);
}

export interface AskerParts {
  /** On the asker's own bell. */
  readonly listener: DoorbellListener;
  /** Where its large values go; undefined: nowhere else. */
  readonly spill: SpillDirectory | undefined;
  /** Whether the descriptors are somebody else's to close. */
  readonly borrowed: boolean;
}

/** An asker's ways to the task workers; of one process at a time. The memories are to be closed after the channels. */
export interface AskerWays {
  readonly channels: TransportChannel<TaskMessage>[];
  readonly memories: readonly MappedMemory[];
}

export function openAskerWays(
  shape: TaskShape,
  find: FindDescriptor,
  asker: number,
  { listener, spill, borrowed }: AskerParts,
): AskerWays {
  const codec = () => codecOf(shape, asker, spill);
  const memories: MappedMemory[] = [];
  const channels = range(shape.taskWorkers).map((taskWorker) => {
    if (!hasRings(shape)) {
      const options = { closeDescriptor: !borrowed };
      return new TransportChannel(new PipeTransport(find(askerName(asker, taskWorker)), options), codec());
    }
    const memory = new MappedMemory(find(memoryName(taskWorker)), memoryBytes(shape));
    memories.push(memory);
    const [down, up] = ringsOf(shape, memory.buffer, asker);
    const peer = new Doorbell(find(bellName(taskWorker)), memory.buffer, 0);
    return new TransportChannel(new RingTransport({ incoming: up, outgoing: down, listener, peer }), codec());
  });
  return { channels, memories };
}

/** A task worker's ways to the askers; of one process at a time. */
export interface RunnerWays {
  readonly channels: readonly TransportChannel<TaskMessage>[];
  close(): void;
}

/** `bellOf` finds the bell of an asker. */
export function openRunnerWays(
  shape: TaskShape,
  find: FindDescriptor,
  id: number,
  bellOf: (asker: number) => Doorbell,
  poller: Poller,
  spill: SpillDirectory,
): RunnerWays {
  const codec = (asker: number) => codecOf(shape, asker, hasFiles(shape, asker) ? spill : undefined);
  const closeAll = (channels: readonly TransportChannel<TaskMessage>[]) => {
    for (const channel of channels) channel.destroy();
  };
  if (!hasRings(shape)) {
    const channels = range(askersOf(shape)).map(
      (asker) => new TransportChannel(new PipeTransport(find(runnerName(asker, id))), codec(asker)),
    );
    return { channels, close: () => closeAll(channels) };
  }
  const { buffer } = new MappedMemory(find(memoryName(id)), memoryBytes(shape));
  const listener = new DoorbellListener(new Doorbell(find(bellName(id)), buffer, 0), poller);
  const channels = range(askersOf(shape)).map((asker) => {
    const [down, up] = ringsOf(shape, buffer, asker);
    const transport = new RingTransport({ incoming: down, outgoing: up, listener, peer: bellOf(asker) });
    return new TransportChannel(transport, codec(asker));
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

/** Bytes of a ring of an asker. */
function ringSizeOf({ workers, taskRingSize }: TaskShape, asker: number): number {
  return asker < workers ? taskRingSize : Math.min(MIN_TASK_RING_BYTES, taskRingSize);
}

/** Where the rings of an asker begin: behind those of all before it. */
function ringsAt(shape: TaskShape, asker: number): number {
  const workers = Math.min(asker, shape.workers);
  const others = asker - workers;
  const bytes = (of: number) => 2 * ringBytes(ringSizeOf(shape, of));
  return DOORBELL_BYTES + workers * bytes(0) + others * bytes(shape.workers);
}

function memoryBytes(shape: TaskShape): number {
  return ringsAt(shape, askersOf(shape));
}

/** The ring of an asker's tasks, and that of the answers to it. */
function ringsOf(shape: TaskShape, memory: ArrayBuffer, asker: number) {
  const size = ringSizeOf(shape, asker);
  const at = ringsAt(shape, asker);
  return [openRing(memory, at, size), openRing(memory, at + ringBytes(size), size)] as const;
}

function codecOf(shape: TaskShape, asker: number, spill: SpillDirectory | undefined) {
  const inMemory = hasRings(shape) && shape.taskValuesInMemory;
  const inlineBytes = inMemory ? ringPieceBytes(ringSizeOf(shape, asker)) : undefined;
  return taskCodec({ spill, inlineBytes, copy: copyOf });
}
