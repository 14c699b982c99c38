import { type Codec, type Poller, TransportChannel } from '@millrace/channel';
import { copyOf } from '@millrace/channel/internal';
import { check, createMemory, MappedMemory, syscalls } from '@millrace/native';
import { createPipe, PipeTransport } from '@millrace/pipe-ipc';
import {
  assertRing,
  DOORBELL_BYTES,
  Doorbell,
  DoorbellListener,
  RingTransport,
  resetRing,
  ringAt,
  ringPieceBytes,
} from '@millrace/shared-memory/internal';
import { type RingMemory, ringBytes } from '@millrace/shared-memory/ring';
import { type LargeValueFiles, TaskBoard, type TaskMessage, taskCodec } from '@millrace/task-pool/internal';
import { MIN_TASK_RING_BYTES } from '../constants.js';
import { askerOf, askersOf, peerOfAsker, type TaskTopology } from './task-topology.js';

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

/** Whether it has the rights of task workers, and so may use their files. */
const hasFiles = ({ workers, userProcesses, isOther }: TaskTopology, asker: number) =>
  !isOther || asker < workers + userProcesses;

/** Makes all of it, into `made`. */
export function createTaskLinks(topology: TaskTopology, made: Record<string, number>): void {
  const { taskWorkers } = topology;
  if (taskWorkers === 0) return;
  made[BOARD] = createMemory('millrace-task-board', boardBytes(topology));
  for (const taskWorker of range(taskWorkers)) {
    if (hasRings(topology)) {
      made[memoryName(taskWorker)] = createMemory(`millrace-tasks-${taskWorker}`, memoryBytes(topology));
      made[bellName(taskWorker)] = check(syscalls.eventfd(), 'eventfd');
      continue;
    }
    for (const asker of range(askersOf(topology))) {
      const pipe = createPipe();
      made[askerName(asker, taskWorker)] = pipe.left;
      made[runnerName(asker, taskWorker)] = pipe.right;
    }
  }
}

/** The names by which a peer asks task workers. */
export function askerDescriptors(topology: TaskTopology, peer: number): string[] {
  const { taskWorkers } = topology;
  if (taskWorkers === 0) return [];
  const ways = range(taskWorkers).flatMap((taskWorker) =>
    hasRings(topology)
      ? [memoryName(taskWorker), bellName(taskWorker)]
      : [askerName(askerOf(topology, peer), taskWorker)],
  );
  return [BOARD, ...ways];
}

/** The names by which a task worker is asked; its id counts task workers. */
export function runnerDescriptors(topology: TaskTopology, id: number): string[] {
  return hasRings(topology)
    ? [BOARD, memoryName(id), bellName(id)]
    : [BOARD, ...range(askersOf(topology)).map((asker) => runnerName(asker, id))];
}

/** Finds a descriptor of this process by its name. */
export type FindDescriptor = (name: string) => number;

function boardBytes(topology: TaskTopology): number {
  return TaskBoard.bytes(askersOf(topology), topology.taskWorkers);
}

export function openBoardMemory(topology: TaskTopology, find: FindDescriptor): MappedMemory {
  return new MappedMemory(find(BOARD), boardBytes(topology));
}

export function openBoard(topology: TaskTopology, find: FindDescriptor): TaskBoard {
  return new TaskBoard(openBoardMemory(topology, find).buffer, topology.taskWorkers);
}

export interface AskerParts {
  /** On the asker's own bell. */
  readonly listener: DoorbellListener;
  /** Where its large values go; undefined: nowhere else. */
  readonly files: LargeValueFiles | undefined;
  /** Whether the descriptors are somebody else's to close. */
  readonly borrowed: boolean;
  /** What a task worker has sent makes no sense, or what lies between cannot be opened: nothing goes either way until `reset`. */
  readonly onCorrupt: (taskWorker: number, error: Error) => void;
}

/** An asker's end of the way to a task worker. */
export interface AskerEnd {
  readonly channel: TransportChannel<TaskMessage>;
  readonly transport: RingTransport | PipeTransport;
}

/** An asker's ways to the task workers; of one process at a time. The memories are to be closed after the channels. */
export interface AskerLinks {
  readonly ends: AskerEnd[];
  readonly memories: readonly MappedMemory[];
}

export function openAskerLinks(
  topology: TaskTopology,
  find: FindDescriptor,
  asker: number,
  { listener, files, borrowed, onCorrupt: tell }: AskerParts,
): AskerLinks {
  const memories: MappedMemory[] = [];
  const ends = range(topology.taskWorkers).map((taskWorker) => {
    const onCorrupt = (error: Error) => tell(taskWorker, error);
    if (!hasRings(topology)) {
      const options = { closeDescriptor: !borrowed, onCorrupt };
      return endOf(
        new PipeTransport(find(askerName(asker, taskWorker)), options),
        codecOf(topology, asker, files),
      );
    }
    const memory = new MappedMemory(find(memoryName(taskWorker)), memoryBytes(topology));
    memories.push(memory);
    const [down, up] = ringsOf(topology, memory.buffer, asker);
    const peer = new Doorbell(find(bellName(taskWorker)), memory.buffer, 0);
    const unopened = notRings(down, up);
    const transport = new RingTransport({ incoming: up, outgoing: down, listener, peer, onCorrupt });
    const end = endOf(transport, codecOf(topology, asker, files));
    if (unopened !== undefined) transport.distrust(unopened);
    return end;
  });
  return { ends, memories };
}

/** A message that cannot be decoded says as much of whoever has sent it as a ring that contradicts itself. */
function endOf(transport: RingTransport | PipeTransport, codec: Codec<TaskMessage>): AskerEnd {
  const channel = new TransportChannel(transport, codec);
  channel.on('badMessage', (error) => transport.distrust(error as Error));
  return { channel, transport };
}

/** A task worker's ways to the askers; of one process at a time. */
export interface RunnerLinks {
  readonly channels: readonly TransportChannel<TaskMessage>[];
  close(): void;
}

/** `bellOf` finds the bell of an asker. `onCorrupt`: what has come from that asker makes no sense. */
export function openRunnerLinks(
  topology: TaskTopology,
  find: FindDescriptor,
  id: number,
  bellOf: (asker: number) => Doorbell,
  poller: Poller,
  files: LargeValueFiles,
  onCorrupt: (asker: number, error: Error) => void,
): RunnerLinks {
  const codec = (asker: number) => codecOf(topology, asker, hasFiles(topology, asker) ? files : undefined);
  const closeAll = (channels: readonly TransportChannel<TaskMessage>[]) => {
    for (const channel of channels) channel.destroy();
  };
  if (!hasRings(topology)) {
    const channels = range(askersOf(topology)).map((asker) => {
      // The kernel keeps datagrams apart: what one of them is costs no other.
      const onBadDatagram = (error: Error) => onCorrupt(asker, error);
      const transport = new PipeTransport(find(runnerName(asker, id)), { onBadDatagram });
      const channel = new TransportChannel(transport, codec(asker));
      channel.on('badMessage', (error) => onCorrupt(asker, error as Error));
      return channel;
    });
    return { channels, close: () => closeAll(channels) };
  }
  const { buffer } = new MappedMemory(find(memoryName(id)), memoryBytes(topology));
  const listener = new DoorbellListener(new Doorbell(find(bellName(id)), buffer, 0), poller);
  const channels = range(askersOf(topology)).map((asker) => {
    const [down, up] = ringsOf(topology, buffer, asker);
    const unopened = notRings(down, up);
    const transport = new RingTransport({
      incoming: down,
      outgoing: up,
      listener,
      peer: bellOf(asker),
      onCorrupt: (error) => onCorrupt(asker, error),
    });
    const { channel } = endOf(transport, codec(asker));
    if (unopened !== undefined) transport.distrust(unopened);
    return channel;
  });
  const close = () => {
    closeAll(channels);
    listener.close();
  };
  return { channels, close };
}

/** Empties the rings between those askers and a task worker, which nobody has open. */
export function resetTaskRings(
  topology: TaskTopology,
  find: FindDescriptor,
  taskWorker: number,
  askers: readonly number[],
): void {
  if (!hasRings(topology)) return;
  const memory = new MappedMemory(find(memoryName(taskWorker)), memoryBytes(topology));
  try {
    for (const asker of askers) for (const ring of ringsOf(topology, memory.buffer, asker)) resetRing(ring);
  } finally {
    memory.close();
  }
}

/** Whether whatever makes no sense to a task worker must have been sent by that asker: rings all askers map. */
export function isSenderCertain(topology: TaskTopology): boolean {
  return !hasRings(topology);
}

/** What is logged of a way whose messages make no sense; names the asker, the task worker and the ring or pipe. */
export function corruptWay(topology: TaskTopology, asker: number, taskWorker: number, why: string): string {
  const way = hasRings(topology)
    ? `rings of asker ${asker} in '${memoryName(taskWorker)}'`
    : `pipe '${runnerName(asker, taskWorker)}'`;
  return `the ${way}, between process ${peerOfAsker(topology, asker)} and task worker ${taskWorker}, holds what makes no sense: ${why}`;
}

function notRings(...rings: readonly RingMemory[]): Error | undefined {
  try {
    for (const ring of rings) assertRing(ring);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function hasRings({ taskTransport }: TaskTopology): boolean {
  return taskTransport !== 'pipe';
}

/** Bytes of a ring of an asker. */
function ringSizeOf({ workers, taskRingSize }: TaskTopology, asker: number): number {
  return asker < workers ? taskRingSize : Math.min(MIN_TASK_RING_BYTES, taskRingSize);
}

/** Where the rings of an asker begin: behind those of all before it. */
function ringsAt(topology: TaskTopology, asker: number): number {
  const workers = Math.min(asker, topology.workers);
  const others = asker - workers;
  const bytes = (of: number) => 2 * ringBytes(ringSizeOf(topology, of));
  return DOORBELL_BYTES + workers * bytes(0) + others * bytes(topology.workers);
}

function memoryBytes(topology: TaskTopology): number {
  return ringsAt(topology, askersOf(topology));
}

/** The ring of an asker's tasks, and that of the answers to it. */
function ringsOf(topology: TaskTopology, memory: ArrayBuffer, asker: number) {
  const size = ringSizeOf(topology, asker);
  const at = ringsAt(topology, asker);
  return [ringAt(memory, at, size), ringAt(memory, at + ringBytes(size), size)] as const;
}

function codecOf(topology: TaskTopology, asker: number, files: LargeValueFiles | undefined) {
  const inMemory = hasRings(topology) && topology.taskValuesInMemory;
  const inlineBytes = inMemory ? ringPieceBytes(ringSizeOf(topology, asker)) : undefined;
  return taskCodec({ files, inlineBytes, copy: copyOf });
}
