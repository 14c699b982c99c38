import { type LinkPlan, type LinkSet, Links, type SharedMemory } from '@millrace/process-pool/links';
import { TaskBoard } from '@millrace/task-pool/internal';
import { MIN_TASK_RING_BYTES, SMALL_RING_BYTES } from '../constants.js';
import { asPeer, type PeerId } from '../contract/ids.js';
import { KEYS_BYTES } from '../shared/keys-layout.js';
import { LOG_RING_BYTES } from '../shared/log-ring-layout.js';
import { ResumeTable } from '../shared/resume-table.js';
import { TlsTable } from '../shared/tls-table.js';
import { topicBoardBytes } from '../shared/topic-layout.js';
import { TRACE_BYTES } from '../shared/trace-layout.js';
import { CONNECTIONS, COUNTERS, KEYS, LOG_RING, RESUME, TLS, TOPICS, TRACE } from './descriptor-names.js';
import { connectionBytes, counterBytes } from './table-sizes.js';
import { askersOf, peerOfAsker } from './task-topology.js';
import { peersOf, type Topology } from './topology.js';

/**
 * Which processes of a server are linked, by what and how large. The master makes all of it before the first process is started, and it
 * outlives every process but the master: what a dead process had not read, its replacement reads.
 *
 *   group       is
 *   reactor     a reactor thread; in base mode a worker, as the reactor of its own clients
 *   peer        a process by its flat id, then the manager, then the master
 *   taskWorker  a task worker, as the one that runs tasks; what else it does it does as a peer
 *   aside       a worker's process that another has replaced, while it finishes the connections it keeps
 *
 *   links   from          to          carry
 *   link    each reactor  each peer   packets, down and up: two rings, or with `ipc: 'pipe'` a pipe for each worker
 *   files   each peer     each reactor  open files, see file-link.ts: a socket pair
 *   aside   each reactor  each aside  as link: a pipe
 *   asideFiles  each aside  each reactor  as files
 *   inbox   all peers     each peer   messages between processes: a pipe with many writers
 *   tasks   each asker    each task worker  tasks and their answers: two rings, or with `taskTransport: 'pipe'` a pipe
 *
 * Links to the manager, the master, task workers and user processes are rings always: little goes through them, and a doorbell costs
 * less than a socket for each. With a queue of the system the task links are rings as well, for answers and for the tasks of
 * a chosen task worker; all other tasks travel in the queue (task-queue.ts of @millrace/task-pool).
 *
 * Aside links exist only in servers whose connections keep state in a worker. Their rings would be memory that is used for a moment
 * at each reload: they are pipes.
 */
export const REACTOR = 'reactor';
export const PEER = 'peer';
export const TASK_WORKER = 'taskWorker';
export const ASIDE = 'aside';

export const LINK = 'link';
export const FILES = 'files';
export const INBOX = 'inbox';
export const TASKS = 'tasks';
export const ASIDE_LINK = 'aside';
export const ASIDE_FILES = 'asideFiles';
/** The board of claims on tasks, see task-board.ts of @millrace/task-pool. */
export const BOARD = 'tasks.board';

const plans = new WeakMap<Topology, Links>();

/** What the plan of a server comes to. */
export function linksOf(topology: Topology): Links {
  let links = plans.get(topology);
  if (links === undefined) {
    links = new Links(planOf(topology));
    plans.set(topology, links);
  }
  return links;
}

function planOf(topology: Topology): LinkPlan {
  const { reactors, workers, taskWorkers, maxMessageSize, aside } = topology;
  return {
    peers: {
      [REACTOR]: reactors,
      [PEER]: peersOf(topology),
      [TASK_WORKER]: taskWorkers,
      [ASIDE]: aside ? workers : 0,
    },
    // A process listens on its doorbell before it has links, and whatever these are.
    doorbells: [REACTOR, PEER],
    memories: memoriesOf(topology),
    links: {
      [LINK]: {
        from: REACTOR,
        to: PEER,
        kind: (_reactor, peer) => (isPiped(topology, asPeer(peer)) ? 'pipe' : 'ring'),
        bytes: (_reactor, peer) => ringSizeOf(topology, asPeer(peer)),
        maxMessageSize,
        // A worker may be killed at any message, and then costs that one: neither what it has taken together with it nor
        // answers that wait for others to go with them are lost. So each message is a datagram, down and up.
        gather: false,
      },
      [FILES]: { from: PEER, to: REACTOR, kind: 'socket' },
      [INBOX]: { from: PEER, to: PEER, kind: 'inbox' },
      ...(taskWorkers > 0 && { [TASKS]: taskLinks(topology) }),
      ...(aside && {
        // As the links of workers: see above.
        [ASIDE_LINK]: { from: REACTOR, to: ASIDE, kind: 'pipe', maxMessageSize, gather: false } as const,
        [ASIDE_FILES]: { from: ASIDE, to: REACTOR, kind: 'socket' } as const,
      }),
    },
  };
}

/** The rings of tasks are all made at the start, so those of askers that are no workers, and ask seldom, are small. */
function taskLinks(topology: Topology): LinkSet {
  const askers = Array.from({ length: askersOf(topology) }, (_, asker) => peerOfAsker(topology, asker));
  return {
    from: { group: PEER, members: askers },
    to: TASK_WORKER,
    kind: topology.taskTransport === 'pipe' ? 'pipe' : 'ring',
    bytes: (peer) => taskRingSizeOf(topology, asPeer(peer)),
  };
}

function memoriesOf(topology: Topology): Record<string, SharedMemory> {
  const { tls, tlsDetails, base, taskWorkers, maxConnections, aside } = topology;
  return {
    [CONNECTIONS]: { bytes: connectionBytes(topology), groups: [PEER] },
    [COUNTERS]: { bytes: counterBytes(topology), groups: [PEER] },
    [LOG_RING]: { bytes: LOG_RING_BYTES, groups: [PEER] },
    [TOPICS]: { bytes: topicBoardBytes(peersOf(topology)), groups: [PEER] },
    [TRACE]: { bytes: TRACE_BYTES, groups: [PEER] },
    ...(tlsDetails && { [TLS]: { bytes: TlsTable.bytes(maxConnections), groups: [PEER] } }),
    ...(aside && { [RESUME]: { bytes: ResumeTable.bytes(maxConnections), groups: [PEER] } }),
    ...(tls && base && { [KEYS]: { bytes: KEYS_BYTES, groups: [REACTOR] } }),
    ...(taskWorkers > 0 && {
      [BOARD]: { bytes: TaskBoard.bytes(askersOf(topology), taskWorkers), groups: [PEER] },
    }),
  };
}

/** The names of the memories of the rings between its reactor threads and its workers. */
export function ringMemories(topology: Topology): string[] {
  if (topology.base !== undefined) return [];
  return Array.from({ length: topology.workers }, (_, worker) => worker).flatMap(
    (worker) => linksOf(topology).ringMemory(LINK, worker)?.name ?? [],
  );
}

/** Whether the links of a peer are pipes. */
export function isPiped({ ipc, workers, base }: Topology, peer: PeerId): boolean {
  return ipc === 'pipe' && peer < workers && base === undefined;
}

/** Bytes of one ring between a reactor and that peer. */
function ringSizeOf(topology: Topology, peer: PeerId): number {
  // In base mode what clients send, and nearly all that is sent to them, goes through no ring.
  const large = peer < topology.workers && topology.base === undefined;
  return large ? topology.ringSize : Math.min(SMALL_RING_BYTES, topology.ringSize);
}

/** Bytes of one ring between that peer and a task worker. */
export function taskRingSizeOf({ workers, taskRingSize }: Topology, peer: PeerId): number {
  return peer < workers ? taskRingSize : Math.min(MIN_TASK_RING_BYTES, taskRingSize);
}
