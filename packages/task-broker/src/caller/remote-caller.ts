import type { TaskError } from '@millrace/task-pool';
import {
  type RemoteCaller as Caller,
  type CallerSetup,
  type RemoteStats,
  TaskSubmitter,
} from '@millrace/task-pool/internal';
import type { CallerBroker, TaskEngine } from '../engine/engine.js';
import { Bodies } from '../wire/bodies.js';
import { RemoteDispatcher } from './remote-dispatcher.js';
import { CONNECTION } from './remote-statistics.js';
import type { ResolvedTransportOptions } from './transport.js';

/** One process that asks for tasks of an engine: the connection, and what is awaited over it. */
export class RemoteCaller implements Caller {
  readonly submitter: TaskSubmitter<RemoteDispatcher>;
  readonly opened: Promise<void>;
  readonly #engine: TaskEngine;
  readonly #broker: CallerBroker;
  readonly #setup: CallerSetup;
  #remote!: RemoteDispatcher;
  #closing: Promise<void> | undefined;

  constructor(engine: TaskEngine, options: ResolvedTransportOptions, setup: CallerSetup) {
    const { maxQueue, whenFull, tally, busy } = setup;
    this.#engine = engine;
    this.#setup = setup;
    this.#broker = engine.caller();
    const { valueLimit: limit, largeValues: store, sweepEvery, connectTimeout } = options;
    const bodies = new Bodies({ limit, store });
    const caller = { engine, bodies, whenFull, sweepEvery, connectTimeout, tally };
    this.submitter = new TaskSubmitter({ maxQueue, whenFull, tally, busy }, (moved) => {
      this.#remote = new RemoteDispatcher(this.#broker, caller, moved);
      return this.#remote;
    });
    this.opened = this.#open();
    // Who does not wait for it hears of it by the tasks.
    this.opened.catch(() => {});
  }

  stats(): RemoteStats {
    return this.#remote.remote.snapshot(this.#engine.name, this.#remote.running);
  }

  keepLoop(on: boolean): void {
    this.#broker.keepLoop(on);
  }

  close(): Promise<void> {
    this.submitter.close();
    this.#closing ??= this.#broker.close();
    return this.#closing;
  }

  async #open(): Promise<void> {
    const { name } = this.#engine;
    const { connected, away, refused } = this.#setup;
    try {
      await this.#broker.open({
        connected: () => {
          CONNECTION.connected.publish({ engine: name, error: undefined });
          connected?.();
          this.#remote.connected();
        },
        away: (error) => {
          if (this.#closing !== undefined) return;
          CONNECTION.away.publish({ engine: name, error });
          away?.(error);
          this.#remote.away(error);
        },
        replied: (reply) => this.#remote.replied(reply),
      });
    } catch (error) {
      this.submitter.close(error as TaskError);
      refused?.(error as TaskError);
      throw error;
    }
  }
}
