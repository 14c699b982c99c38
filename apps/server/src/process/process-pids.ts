import { constants } from 'node:os';
import type { Exit } from '@millrace/process-pool';
import { asPeer, type PeerId } from '../contract/ids.js';
import type { Counters } from '../shared/counters.js';
import { FAILURES, LAST_EXIT, PID, READY_PID, RESTARTS, STANDBY_PID } from '../shared/counters-layout.js';

/** How a process has ended, as one number: its code, or minus the number of the signal. */
export function exitNumber({ code, signal }: Pick<Exit, 'code' | 'signal'>): number {
  return signal === null ? (code ?? 0) : -constants.signals[signal];
}

/**
 * Which process has each name now, and how those before it fared, in shared memory for all to read: the manager says it of the
 * processes below it, the master of itself and the manager.
 */
export class ProcessPids {
  readonly #counters: Counters;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** Undefined while there is none. */
  get(peer: PeerId): number | undefined {
    return this.#counters.ofProcess(peer, PID) || undefined;
  }

  set(peer: PeerId, pid: number): void {
    this.#counters.process(peer)[PID] = pid;
  }

  /** The process of that pid is ready. */
  ready(peer: PeerId, pid: number): void {
    this.#counters.process(peer)[READY_PID] = pid;
  }

  /** That process waits for the end of the one that has the name; undefined: none does. */
  standsBy(peer: PeerId, pid: number | undefined): void {
    this.#counters.process(peer)[STANDBY_PID] = pid ?? 0;
  }

  /** Another process than the first has the name. */
  replaced(peer: PeerId): void {
    this.#count(peer, RESTARTS);
  }

  /** A process of that name has ended with an error. */
  failed(peer: PeerId, exit: Pick<Exit, 'code' | 'signal'>): void {
    this.#count(peer, FAILURES);
    this.#counters.process(peer)[LAST_EXIT] = exitNumber(exit);
  }

  #count(peer: PeerId, counter: number): void {
    this.#counters.process(peer)[counter] = this.#counters.ofProcess(peer, counter) + 1;
  }

  /** That process has ended; another may have its name by now. */
  ended(peer: PeerId, pid: number | undefined): void {
    if (pid !== undefined && this.get(peer) === pid) this.set(peer, 0);
  }

  /** All processes from `first` up to `end` have ended. */
  allEnded(first: number, end: number): void {
    for (let peer = first; peer < end; peer++) this.set(asPeer(peer), 0);
  }
}
