import { Alarm } from '@millrace/channel/internal';
import type { Member } from '@millrace/process-pool';
import type { FindDescriptor } from '@millrace/process-pool/links';
import { LINK_RESET_MS } from '../constants.js';
import type { ResetTasks, TasksReset, ToWorker } from '../contract/control-messages.js';
import type { PeerId } from '../contract/ids.js';
import { linksOf, PEER, TASKS } from '../links/server-plan.js';
import { askerOf, askersOf, peerOfAsker } from '../links/task-topology.js';
import { managerPeer, masterPeer, type Topology } from '../links/topology.js';
import { monotonicNow } from './task-asker.js';

/** Milliseconds from the last moment in which an asker may empty its rings to that in which the manager does. */
const MARGIN_MS = 100;

export interface TaskResetsParts {
  readonly topology: Topology;
  readonly find: FindDescriptor;
  /** Workers and user processes that may have their links open: the member, its flat id and the pid of the process. */
  readonly askers: () => readonly { readonly member: Member; readonly id: PeerId; readonly pid: number }[];
  /** Empties what lies between this process and a task worker; false: it has not been opened. */
  readonly resetOwn: (message: ResetTasks) => boolean;
  readonly tellMaster: (message: ResetTasks) => void;
  readonly onDone: (taskWorker: number) => void;
}

/** What the answers of one reset are waited for from. */
interface Reset {
  /** Askers by the pids of their processes; the master's is 0. */
  readonly waiting: Map<number, number>;
  /** Askers that have emptied their end themselves. */
  readonly reset: Set<number>;
  readonly late: Alarm;
}

const MASTER = 0;

/**
 * Has all who ask a task worker empty what lies between, when its process has ended and before the next begins: a ring is
 * never emptied under a writer. Those of processes that have not opened them, or do not answer in time because a handler keeps
 * their loop, the manager empties; such a process finds the rings contradicting what it knows, and the task worker is
 * replaced once more. See LinkResets.
 */
export class TaskResets {
  readonly #parts: TaskResetsParts;
  readonly #resets = new Map<number, Reset>();

  constructor(parts: TaskResetsParts) {
    this.#parts = parts;
  }

  begin(taskWorker: number): void {
    const { topology, askers, resetOwn, tellMaster } = this.#parts;
    const message = { type: 'resetTasks', taskWorker, until: monotonicNow() + LINK_RESET_MS } as const;
    const asked = askers();
    const waiting = new Map(asked.map(({ id, pid }) => [pid, askerOf(topology, id)]));
    waiting.set(MASTER, askerOf(topology, masterPeer(topology)));
    const late = new Alarm(LINK_RESET_MS + MARGIN_MS, () => this.#finish(taskWorker));
    const reset = new Set<number>();
    this.#resets.set(taskWorker, { waiting, reset, late });
    if (resetOwn(message)) reset.add(askerOf(topology, managerPeer(topology)));
    for (const { member } of asked) member.sendAll(message satisfies ToWorker);
    tellMaster(message);
  }

  answered({ taskWorker, pid, reset: isReset }: TasksReset): void {
    this.#settle(taskWorker, pid, isReset);
  }

  masterAnswered({ taskWorker, reset: isReset }: TasksReset): void {
    this.#settle(taskWorker, MASTER, isReset);
  }

  /** A process that has ended answers nothing. */
  ended(pid: number): void {
    for (const taskWorker of this.#resets.keys()) this.#settle(taskWorker, pid, false);
  }

  #settle(taskWorker: number, pid: number, isReset: boolean): void {
    const reset = this.#resets.get(taskWorker);
    const asker = reset?.waiting.get(pid);
    if (reset === undefined || asker === undefined) return;
    reset.waiting.delete(pid);
    if (isReset) reset.reset.add(asker);
    if (reset.waiting.size === 0) this.#finish(taskWorker);
  }

  #finish(taskWorker: number): void {
    const reset = this.#resets.get(taskWorker);
    if (reset === undefined) return;
    this.#resets.delete(taskWorker);
    reset.late.cancel();
    const { topology, find, onDone } = this.#parts;
    const links = linksOf(topology).open(PEER, managerPeer(topology), find);
    try {
      for (let asker = 0; asker < askersOf(topology); asker++)
        if (!reset.reset.has(asker)) links.reset(TASKS, peerOfAsker(topology, asker), taskWorker);
    } finally {
      links.close();
    }
    onDone(taskWorker);
  }
}
