import { Alarm } from '@millrace/channel/internal';
import type { ChildProcessContext, Member } from '@millrace/process-pool';
import { LINK_RESET_MS } from '../constants.js';
import type { ToWorker } from '../contract/control-messages.js';
import { asWorker, type PeerId, type ReactorIndex, reactorOfWorker, type WorkerId } from '../contract/ids.js';
import { LINK, linksOf, PEER } from '../links/server-plan.js';
import { managerPeer, type Topology } from '../links/topology.js';

export interface LinkResetsParts {
  readonly child: ChildProcessContext;
  readonly topology: Topology;
  /** Workers that have their place: the member, its id and the pid of the process. */
  readonly workers: () => readonly { readonly member: Member; readonly id: PeerId; readonly pid: number }[];
  /** Has the master and this process empty what lies between them and a worker. */
  readonly resetUpper: (peer: PeerId) => void;
  readonly onDone: (peer: PeerId) => void;
}

/** What the answers of one reset are waited for from. */
interface Reset {
  /** Pids of workers. */
  readonly waiting: Set<number>;
  master: boolean;
  /** Workers that have emptied their end themselves. */
  readonly reset: Set<WorkerId>;
  readonly late: Alarm;
}

/**
 * Base mode: has every worker, as a reactor, empty what lies between it and a process that has written over its links and
 * ended; before that process is replaced, so that a ring is never emptied under a writer. The rings of workers that are no
 * reactor yet, or do not answer in time because a handler keeps their loop, the manager empties itself: such a worker
 * finds them contradicting what it knows, and the new process is replaced once more, rather than missing for as long as that
 * handler runs.
 */
export class LinkResets {
  readonly #parts: LinkResetsParts;
  readonly #resets = new Map<PeerId, Reset>();

  constructor(parts: LinkResetsParts) {
    this.#parts = parts;
  }

  begin(peer: PeerId): void {
    const workers = this.#parts.workers().filter(({ id }) => id !== peer);
    const late = new Alarm(LINK_RESET_MS, () => this.#finish(peer));
    const waiting = new Set(workers.map(({ pid }) => pid));
    this.#resets.set(peer, { waiting, master: false, reset: new Set(), late });
    for (const { member } of workers) member.sendAll({ type: 'resetLinks', peer } satisfies ToWorker);
    this.#parts.resetUpper(peer);
  }

  masterAnswered(peer: PeerId): void {
    const reset = this.#resets.get(peer);
    if (reset === undefined) return;
    reset.master = true;
    this.#look(peer, reset);
  }

  /** `isReset`: that worker is a reactor, and has emptied its end. */
  workerAnswered(peer: PeerId, worker: WorkerId, pid: number, isReset: boolean): void {
    const reset = this.#resets.get(peer);
    if (!reset?.waiting.delete(pid)) return;
    if (isReset) reset.reset.add(worker);
    this.#look(peer, reset);
  }

  /** A process that has ended answers nothing. */
  ended(pid: number): void {
    for (const [peer, reset] of this.#resets) if (reset.waiting.delete(pid)) this.#look(peer, reset);
  }

  #look(peer: PeerId, { waiting, master }: Reset): void {
    if (master && waiting.size === 0) this.#finish(peer);
  }

  #finish(peer: PeerId): void {
    const reset = this.#resets.get(peer);
    if (reset === undefined) return;
    this.#resets.delete(peer);
    reset.late.cancel();
    const { child, topology, onDone } = this.#parts;
    const others = Array.from({ length: topology.workers }, (_, index) => asWorker(index));
    resetRings(
      child,
      topology,
      peer,
      others.filter((worker) => worker !== peer && !reset.reset.has(worker)).map(reactorOfWorker),
    );
    onDone(peer);
  }
}

/** Empties the rings between a peer and those reactors; no process has them open at one end. */
export function resetRings(
  child: ChildProcessContext,
  topology: Topology,
  peer: PeerId,
  reactors: readonly ReactorIndex[],
): void {
  const links = linksOf(topology).open(PEER, managerPeer(topology), (name) => child.descriptor(name));
  try {
    for (const reactor of reactors) links.reset(LINK, reactor, peer);
  } finally {
    links.close();
  }
}
