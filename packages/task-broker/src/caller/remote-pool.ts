import { inTime } from '@millrace/channel/internal';
import { TaskError, type TaskPoolStats } from '@millrace/task-pool';
import { KeepAlive, type PoolCore, type PoolSetup, TaskSubmitter } from '@millrace/task-pool/internal';
import type { CallerBroker, TaskEngine } from '../engine/engine.js';
import { BrokerProcess } from '../host/broker-process.js';
import { Bodies } from '../wire/bodies.js';
import { RemoteDispatcher } from './remote-dispatcher.js';
import { CONNECTION, type RemoteStats } from './remote-statistics.js';
import type { ResolvedTransportOptions } from './transport.js';

export interface RemotePoolStats extends TaskPoolStats {
  readonly remote: RemoteStats;
}

/** A pool whose tasks an engine brings to hosts: to others, and with a `size` above 0 to one of its own. */
export class RemotePool implements PoolCore {
  readonly submitter: TaskSubmitter<RemoteDispatcher>;
  readonly #engine: TaskEngine;
  readonly #setup: PoolSetup;
  readonly #broker: CallerBroker;
  readonly #keepAlive = new KeepAlive();
  readonly #host: BrokerProcess | undefined;
  readonly #opened: Promise<void>;
  #remote!: RemoteDispatcher;
  #ended: Promise<void> | undefined;

  constructor(engine: TaskEngine, options: ResolvedTransportOptions, setup: PoolSetup) {
    const { maxQueue, whenFull, size } = setup.options;
    this.#engine = engine;
    this.#setup = setup;
    this.#broker = engine.caller();
    const { valueLimit: limit, largeValues: store, sweepEvery, connectTimeout } = options;
    const caller = { engine, bodies: new Bodies({ limit, store }), whenFull, sweepEvery, connectTimeout };
    this.submitter = new TaskSubmitter(
      {
        maxQueue,
        whenFull,
        busy: (busy) => (busy ? this.#keepAlive.begin() : this.#keepAlive.end()),
      },
      (moved) => {
        this.#remote = new RemoteDispatcher(this.#broker, caller, moved);
        return this.#remote;
      },
    );
    this.submitter.onDrain(() => setup.emit('drain'));
    this.#host =
      size === 0 ? undefined : new BrokerProcess(engine, options, setup, (why) => this.#failed(why));
    this.#opened = this.#open();
    // `ready` rejects with it, and so do the tasks.
    this.#opened.catch(() => {});
  }

  async ready(): Promise<void> {
    this.#keepAlive.begin();
    try {
      await this.#opened;
      await this.#host?.ready();
    } finally {
      this.#keepAlive.end();
    }
  }

  stats(): RemotePoolStats {
    return {
      ...this.submitter.stats(),
      utilisation: this.#host?.utilisation ?? 0,
      workers: this.#host?.workers ?? [],
      remote: this.#remote.remote.snapshot(this.#engine.name, this.#remote.running),
    };
  }

  keepLoop(on: boolean): void {
    this.#broker.keepLoop(on);
    this.#host?.keepLoop(on);
    this.#keepAlive.turn(!on);
  }

  async close(timeout: number): Promise<void> {
    this.submitter.refuse(closed());
    await inTime(this.submitter.settled(), timeout);
    this.submitter.close(closed());
    await this.#end();
  }

  destroy(): Promise<void> {
    this.submitter.close(closed());
    this.#host?.kill();
    return this.#end();
  }

  #failed(why: TaskError): void {
    this.submitter.close(why);
    this.#setup.emit('failed', why);
  }

  async #open(): Promise<void> {
    const { name } = this.#engine;
    try {
      await this.#broker.open({
        connected: () => {
          CONNECTION.connected.publish({ engine: name, error: undefined });
          this.#remote.connected();
        },
        away: (error) => {
          if (this.#ended !== undefined) return;
          CONNECTION.away.publish({ engine: name, error });
          this.#remote.away(error);
        },
        replied: (reply) => this.#remote.replied(reply),
      });
    } catch (error) {
      this.submitter.close(error as TaskError);
      throw error;
    }
  }

  #end(): Promise<void> {
    this.#ended ??= this.#endAll();
    return this.#ended;
  }

  async #endAll(): Promise<void> {
    await this.#host?.stop();
    await this.#broker.close();
    this.#keepAlive.close();
  }
}

function closed(): TaskError {
  return new TaskError('ERR_MILLRACE_TASK_CLIENT_CLOSED', 'The task pool is closed.');
}
