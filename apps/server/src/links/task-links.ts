import type { Codec, Poller } from '@millrace/channel';
import { copyOf } from '@millrace/channel/internal';
import type { FindDescriptor, LinkEnd, PeerLinks } from '@millrace/process-pool/links';
import { type DoorbellListener, ringPieceBytes } from '@millrace/shared-memory/internal';
import { type LargeValueFiles, TaskBoard, type TaskMessage, taskCodec } from '@millrace/task-pool/internal';
import { asPeer, type PeerId } from '../contract/ids.js';
import { isSenderCertain } from './corrupt-links.js';
import { BOARD, linksOf, TASK_WORKER, TASKS, taskRingSizeOf } from './server-plan.js';
import { askerOf } from './task-topology.js';
import type { Topology } from './topology.js';

/**
 * The two sides of the links by which tasks travel. Those who ask, the *askers*, are the workers, then the user processes, then the
 * manager and the master. Where the links lie, and which there are, is in server-plan.ts; all askers and task workers share one board of claims.
 *
 * Askers are rung by the doorbell that reactors ring, too: one wake-up is for all that there is.
 *
 * The manager and the master put nothing into a queue of the system. Where the others become another user (`user`, `group`,
 * `chroot`) these two keep their rights: files of theirs could not be read by task workers, nor found. So values of theirs that
 * do not fit into a message are refused there; answers to them travel in the ring or pipe, in several pieces.
 */
export function openBoard(topology: Topology, mine: PeerLinks): TaskBoard {
  return new TaskBoard(mine.memory(BOARD), topology.taskWorkers);
}

export interface AskerParts {
  /** On the asker's own doorbell. */
  readonly listener: DoorbellListener;
  /** Where its large values go; undefined: nowhere else. */
  readonly files: LargeValueFiles | undefined;
  /** Whether the descriptors belong to another part of this process, which closes them. */
  readonly borrowed: boolean;
  /** What a task worker has sent makes no sense, or its rings cannot be opened: nothing goes either way until `reset`. */
  readonly onCorrupt: (taskWorker: number, error: Error) => void;
}

/** Opens the links of a peer that asks, one to each task worker; `begin` is for the caller to call, once all is ready to hear of it. */
export function openAskerLinks(
  topology: Topology,
  mine: PeerLinks,
  peer: PeerId,
  { listener, files, borrowed, onCorrupt }: AskerParts,
): LinkEnd<TaskMessage>[] {
  return mine.ends<TaskMessage>(TASKS, (taskWorker) => ({
    codec: codecOf(topology, peer, files),
    listener,
    borrowed,
    onCorrupt: (error) => onCorrupt(taskWorker, error),
  }));
}

/** A task worker's links to the askers, in their order; of one process at a time. */
export interface RunnerLinks {
  readonly channels: readonly LinkEnd<TaskMessage>['channel'][];
  readonly board: TaskBoard;
  close(): void;
}

/** `onCorrupt`: what has come from that asker makes no sense. */
export function openRunnerLinks(
  topology: Topology,
  find: FindDescriptor,
  id: number,
  poller: Poller,
  files: LargeValueFiles,
  onCorrupt: (asker: number, error: Error) => void,
): RunnerLinks {
  const mine = linksOf(topology).open(TASK_WORKER, id, find);
  const listener = isSenderCertain(topology) ? undefined : mine.listen(poller);
  const ends = mine.ends<TaskMessage>(TASKS, (end) => {
    const peer = asPeer(end);
    return {
      codec: codecOf(topology, peer, hasFiles(topology, peer) ? files : undefined),
      listener,
      poller,
      // The kernel keeps datagrams apart: what one of them is costs no other.
      badMessages: 'drop',
      onCorrupt: (error) => onCorrupt(askerOf(topology, peer), error),
    };
  });
  for (const end of ends) end.begin();
  const close = () => {
    for (const { channel } of ends) channel.destroy();
    listener?.close();
  };
  return { channels: ends.map(({ channel }) => channel), board: openBoard(topology, mine), close };
}

/** Whether a peer that asks has the rights of task workers, and so may use their files. */
function hasFiles({ workers, taskWorkers, userProcesses, isOther }: Topology, peer: PeerId): boolean {
  return !isOther || peer < workers + taskWorkers + userProcesses;
}

function codecOf(topology: Topology, peer: PeerId, files: LargeValueFiles | undefined): Codec<TaskMessage> {
  const inMemory = !isSenderCertain(topology) && topology.taskValuesInMemory;
  const inlineBytes = inMemory ? ringPieceBytes(taskRingSizeOf(topology, peer)) : undefined;
  return taskCodec({ files, inlineBytes, copy: copyOf });
}
