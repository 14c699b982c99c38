import type { QueueAddress } from '@millrace/task-pool';
import { asPeer, type PeerId, type WorkerId } from '../contract/ids.js';
import type { TaskTransportName } from '../options/task-transport.js';

/** What the memories, pipes and queues of tasks follow from. */
export interface TaskTopology {
  readonly workers: number;
  readonly taskWorkers: number;
  /** Service processes among them. */
  readonly userProcesses: number;
  readonly taskTransport: TaskTransportName;
  /** The queue of the system by which tasks travel to the first task worker that is free, where there is one. */
  readonly taskQueue: QueueAddress | undefined;
  /** Whether all processes but the manager and the master become another user, or see another root directory. */
  readonly isOther: boolean;
  /** Bytes of a ring. */
  readonly taskRingSize: number;
  /** Whether values stay in a ring as long as it takes them in one piece. */
  readonly taskValuesInMemory: boolean;
}

/** How many ask: workers, user processes, the manager and the master. */
export const askersOf = ({ workers, userProcesses }: TaskTopology) => workers + userProcesses + 2;
/** Which asker a peer is, and back. Task workers are peers, and ask for nothing. */
export const askerOf = ({ workers, taskWorkers }: TaskTopology, peer: PeerId) =>
  peer < workers ? peer : peer - taskWorkers;
export const peerOfAsker = ({ workers, taskWorkers }: TaskTopology, asker: number) =>
  asPeer(asker < workers ? asker : asker + taskWorkers);
/** Which peer a task worker is by its number among task workers, and back. */
export const peerOfTaskWorker = ({ workers }: TaskTopology, taskWorker: number) =>
  asPeer(workers + taskWorker);
export const taskWorkerOf = ({ workers }: TaskTopology, peer: PeerId): number => peer - workers;
/** Workers are the first peers. */
export const isWorker = ({ workers }: TaskTopology, peer: PeerId): peer is WorkerId => peer < workers;
