import type { EngineCounts } from '@millrace/task-pool/internal';
import {
  ENGINE_AT,
  ENGINE_CONNECTED,
  ENGINE_DELAYED,
  ENGINE_HOSTS,
  ENGINE_RUNNING,
  ENGINE_WAITING,
} from '../shared/counters-layout.js';

/** What the process that has a connection to an engine writes of it into its counters. */
export class EngineNumbers {
  readonly #counters: Float64Array;
  /** What was counted of each since this process began: the counters go on where the one before has left them. */
  readonly #seen = new Map<number, number>();

  constructor(counters: Float64Array) {
    this.#counters = counters;
  }

  /** `counted` are numbers that only grow in this process, by the counters that they are added to. */
  write(
    isConnected: boolean,
    queue: EngineCounts | undefined,
    counted: ReadonlyMap<number, number>,
    now: ReadonlyMap<number, number> = new Map(),
  ): void {
    const counters = this.#counters;
    for (const [counter, total] of counted) {
      counters[counter] = (counters[counter] as number) + total - (this.#seen.get(counter) ?? 0);
      this.#seen.set(counter, total);
    }
    for (const [counter, number] of now) counters[counter] = number;
    counters[ENGINE_CONNECTED] = isConnected ? 1 : 0;
    counters[ENGINE_AT] = Date.now();
    if (queue === undefined) return;
    counters[ENGINE_WAITING] = queue.waiting;
    counters[ENGINE_DELAYED] = queue.delayed;
    counters[ENGINE_RUNNING] = queue.running;
    counters[ENGINE_HOSTS] = Object.keys(queue.hosts).length;
  }

  /** What is only true while a process is there. */
  clear(...counters: readonly number[]): void {
    for (const counter of [ENGINE_AT, ENGINE_CONNECTED, ...counters]) this.#counters[counter] = 0;
  }
}
