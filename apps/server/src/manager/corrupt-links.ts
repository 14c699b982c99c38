import type { ChildProcessContext, Member } from '@millrace/process-pool';
import { LinkResets, resetRings } from '../base/link-resets.js';
import type { FromManager, ResetTasks } from '../contract/control-messages.js';
import { type PeerId, reactorOfWorker } from '../contract/ids.js';
import { isWorker, peerOfTaskWorker, taskWorkerOf } from '../links/task-topology.js';
import { managerPeer, type Topology } from '../links/topology.js';
import type { ProcessPids } from '../process/process-pids.js';
import type { LazyGateway } from '../sessions/lazy-gateway.js';
import { TaskResets } from '../tasks/task-resets.js';
import type { Members } from './members.js';
import type { RoleLeases } from './role-leases.js';

export interface CorruptLinksParts {
  readonly child: ChildProcessContext;
  readonly topology: Topology;
  readonly members: Members;
  readonly leases: RoleLeases;
  readonly pids: ProcessPids;
  /** What this process reaches sessions by, in base mode through links to workers. */
  readonly gateway: LazyGateway;
  /** What this process asks task workers by, where there are any. */
  readonly tasks: { reset(message: ResetTasks): boolean } | undefined;
  readonly tellMaster: (message: FromManager) => void;
}

/**
 * Processes that have written over what lies between them and others. Such a process is killed; its name is kept from the
 * next until what lies between is emptied:
 *
 *   corrupt → its process is killed → has ended → all others empty their end → the next process gets the lease
 */
export class CorruptLinks {
  readonly #parts: CorruptLinksParts;
  /** Members whose process has written over its links, with its pid; until they are emptied. */
  readonly #corrupt = new Map<Member, number | undefined>();
  /** How many answers the emptying of a peer's links still waits for: of its links, and of its tasks. */
  readonly #emptying = new Map<PeerId, number>();
  readonly tasks: TaskResets | undefined;
  /** In base mode. */
  readonly links: LinkResets | undefined;
  #closed = false;

  constructor(parts: CorruptLinksParts) {
    this.#parts = parts;
    const { child, topology, members, gateway, tasks, tellMaster } = parts;
    if (topology.taskWorkers > 0)
      this.tasks = new TaskResets({
        topology,
        find: (name) => child.descriptor(name),
        askers: () => members.serving('worker', 'userProcess', 'service'),
        resetOwn: (message) => tasks?.reset(message) === true,
        tellMaster,
        onDone: (taskWorker) => this.emptied(peerOfTaskWorker(topology, taskWorker)),
      });
    if (topology.base)
      this.links = new LinkResets({
        child,
        topology,
        workers: () => members.serving('worker'),
        resetUpper: (peer) => {
          if (isWorker(topology, peer) && !gateway.resetLink(reactorOfWorker(peer)))
            resetRings(child, topology, managerPeer(topology), [reactorOfWorker(peer)]);
          tellMaster({ type: 'resetLinks', peer });
        },
        onDone: (peer) => this.emptied(peer),
      });
  }

  /**
   * A process has written over what lies between it and a reactor thread. It ends, whatever it does; the next one gets the
   * place when every reactor thread has emptied its link, for which the master is asked at the end of this one.
   */
  corrupt(peer: PeerId): void {
    const { members, leases } = this.#parts;
    const member = members.byPeer(peer);
    if (member === undefined || this.#closed) return;
    const pid = leases.holder(member);
    if (this.#corrupt.has(member)) return;
    leases.block(member);
    this.#corrupt.set(member, pid);
    if (pid === undefined) this.#reset(peer);
    else killUnlessEnded(pid);
  }

  /**
   * As above, of what task workers are asked by. A process that has sent nonsense by a pipe has nothing else to be emptied:
   * messages of clients that wait for it are for the next.
   */
  tasksCorrupt(peer: PeerId): void {
    if (this.#isTaskWorker(peer)) return this.corrupt(peer);
    const member = this.#parts.members.byPeer(peer);
    const pid = member && this.#parts.leases.holder(member);
    if (pid !== undefined) killUnlessEnded(pid);
  }

  /** Whether that process is killed for what it has written. */
  isOf(member: Member, pid: number | undefined): boolean {
    return this.#corrupt.get(member) === pid && this.#corrupt.has(member);
  }

  /** A process has ended, and has its name no more. */
  ended(member: Member, pid: number): void {
    this.links?.ended(pid);
    this.tasks?.ended(pid);
    if (this.isOf(member, pid)) this.#reset(this.#parts.members.peerOf(member));
  }

  /** One of the answers that the emptying of what lies between a peer and others waits for. */
  emptied(peer: PeerId): void {
    const left = (this.#emptying.get(peer) ?? 1) - 1;
    if (left > 0) return void this.#emptying.set(peer, left);
    this.#emptying.delete(peer);
    const member = this.#parts.members.byPeer(peer);
    if (member === undefined || !this.#corrupt.delete(member)) return;
    this.#parts.leases.unblock(member);
  }

  /** The processes end: none is replaced any more. */
  close(): void {
    this.#closed = true;
  }

  #isTaskWorker(peer: PeerId): boolean {
    const { workers, taskWorkers } = this.#parts.topology;
    return peer >= workers && peer < workers + taskWorkers;
  }

  /** No process has them now. In base mode the reactors are workers. */
  #reset(peer: PeerId): void {
    const { topology, pids, tellMaster } = this.#parts;
    const isTaskWorker = this.#isTaskWorker(peer);
    this.#emptying.set(peer, isTaskWorker ? 2 : 1);
    if (isTaskWorker) this.tasks?.begin(taskWorkerOf(topology, peer));
    if (this.links === undefined) return tellMaster({ type: 'resetLinks', peer });
    // Whatever was written there: no process has that name until the links are empty.
    pids.set(peer, 0);
    this.links.begin(peer);
  }
}

function killUnlessEnded(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
