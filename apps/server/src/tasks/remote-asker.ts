import type { RemoteTransport, TaskError } from '@millrace/task-pool';
import type { RemoteCaller, TaskSubmitter } from '@millrace/task-pool/internal';
import type { Logger } from '../log/log.js';
import type { ServerRegistry } from '../metrics/server-registry.js';
import {
  ENGINE_DISCONNECTS,
  REMOTE_LOOKED_UP,
  REMOTE_LOST,
  REMOTE_RETRIED,
  TASKS,
  TASKS_AT_HAND,
  TASKS_COMPLETED,
  TASKS_FAILED,
} from '../shared/counters-layout.js';
import type { Asker } from './asker.js';
import { EngineNumbers } from './engine-numbers.js';
import { notRunning } from './not-running.js';

/** Milliseconds between two looks at what is counted here. */
const WRITE_EVERY_MS = 1_000;

export interface RemoteAskerParts {
  readonly engine: RemoteTransport;
  readonly maxQueue: number;
  /** The counters of this process. */
  readonly counters: Float64Array;
  /** Where tasks are counted by their names. */
  readonly numbers: ServerRegistry;
  readonly logs: { readonly log: Logger };
}

/** How a process asks an engine for tasks: it connects with the first one. What it hears of task workers is for the broker process. */
export class RemoteAsker implements Asker {
  readonly #parts: RemoteAskerParts;
  readonly #numbers: EngineNumbers;
  #caller: RemoteCaller | undefined;
  #writing: NodeJS.Timeout | undefined;
  #refusal: TaskError | undefined;
  #isOpen = false;
  #isClosed = false;

  constructor(parts: RemoteAskerParts) {
    this.#parts = parts;
    this.#numbers = new EngineNumbers(parts.counters);
  }

  /** Throws `ERR_MILLRACE_NOT_RUNNING` once it is closed. */
  get client(): TaskSubmitter {
    if (this.#caller === undefined && this.#refusal !== undefined) throw this.#refusal;
    if (this.#caller === undefined && this.#isClosed)
      throw notRunning('this process ends, and asks for nothing more.');
    this.#caller ??= this.#connect();
    return this.#caller.submitter;
  }

  get pending(): number {
    return this.#caller?.submitter.pending ?? 0;
  }

  refuse(error: TaskError): void {
    this.#refusal = error;
    this.#caller?.submitter.refuse(error);
  }

  async settled(): Promise<void> {
    await this.#caller?.submitter.settled();
  }

  open(): void {
    this.#isOpen = true;
    const { counters } = this.#parts;
    counters[TASKS] = (counters[TASKS] as number) + this.pending;
    counters[TASKS_AT_HAND] = this.pending;
  }

  heard(): void {}

  reset(): boolean {
    return false;
  }

  close(): void {
    this.#isClosed = true;
    this.#parts.numbers.flush();
    clearInterval(this.#writing);
    if (this.#isOpen && this.#caller !== undefined) {
      this.#write();
      this.#numbers.clear();
    }
    void this.#caller?.close();
    this.#isOpen = false;
  }

  #connect(): RemoteCaller {
    const { engine, maxQueue, numbers, logs } = this.#parts;
    let wasAway = false;
    const caller = engine.caller({
      maxQueue,
      whenFull: 'error',
      tally: {
        asked: (name) => {
          this.#count(TASKS);
          numbers.task(name).asked();
        },
        answered: (name, waited, ran) => {
          numbers.task(name).answered(waited, ran);
          numbers.replied((waited + ran) / 1_000);
        },
        completed: (name) => {
          this.#count(TASKS_COMPLETED);
          numbers.task(name).completed();
        },
        failed: (name, error) => {
          this.#count(TASKS_FAILED);
          numbers.task(name).failed(error);
        },
      },
      connected: () => {
        if (wasAway) logs.log.info(`connected to ${engine.name} again`);
        wasAway = false;
      },
      away: (error) => {
        wasAway = true;
        logs.log.warn(
          { err: error },
          `${engine.name} is away, which this process asks for tasks; it is tried again until it is there`,
        );
      },
      refused: (error) =>
        logs.log.error({ err: error }, `${engine.name} is of no use: every task is rejected`),
    });
    // The server keeps its processes alive.
    caller.keepLoop(false);
    this.#writing = setInterval(() => this.#write(), WRITE_EVERY_MS).unref();
    return caller;
  }

  /** The counters are this process's as long as it has its place. */
  #write(): void {
    if (!this.#isOpen || this.#caller === undefined) return;
    const { connected, disconnects, lookedUp, lost, queue } = this.#caller.stats();
    const counted = new Map([
      [ENGINE_DISCONNECTS, disconnects],
      [REMOTE_RETRIED, this.#caller.submitter.stats().retried],
      [REMOTE_LOOKED_UP, lookedUp],
      [REMOTE_LOST, lost],
    ]);
    this.#numbers.write(connected, queue, counted);
  }

  #count(counter: number): void {
    if (!this.#isOpen) return;
    const { counters } = this.#parts;
    counters[counter] = (counters[counter] as number) + 1;
    counters[TASKS_AT_HAND] = this.pending;
  }
}
