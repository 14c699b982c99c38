import { inTime } from '@millrace/channel/internal';
import { TaskError, type TaskPoolStats } from '@millrace/task-pool';
import {
  KeepAlive,
  type PoolCore,
  type PoolSetup,
  type RemoteStats,
  type TaskSubmitter,
} from '@millrace/task-pool/internal';
import type { TaskEngine } from '../engine/engine.js';
import { BrokerProcess } from '../host/broker-process.js';
import { RemoteCaller } from './remote-caller.js';
import type { ResolvedTransportOptions } from './transport.js';

export interface RemotePoolStats extends TaskPoolStats {
  readonly remote: RemoteStats;
}

/** A pool whose tasks an engine brings to hosts: to others, and with a `size` above 0 to one of its own. */
export class RemotePool implements PoolCore {
  readonly submitter: TaskSubmitter;
  readonly #setup: PoolSetup;
  readonly #caller: RemoteCaller;
  readonly #keepAlive = new KeepAlive();
  readonly #host: BrokerProcess | undefined;
  #ended: Promise<void> | undefined;

  constructor(engine: TaskEngine, options: ResolvedTransportOptions, setup: PoolSetup) {
    const { maxQueue, whenFull, size } = setup.options;
    this.#setup = setup;
    this.#caller = new RemoteCaller(engine, options, {
      maxQueue,
      whenFull,
      busy: (busy) => (busy ? this.#keepAlive.begin() : this.#keepAlive.end()),
    });
    this.submitter = this.#caller.submitter;
    this.submitter.onDrain(() => setup.emit('drain'));
    this.#host =
      size === 0 ? undefined : new BrokerProcess(engine, options, setup, (why) => this.#failed(why));
  }

  async ready(): Promise<void> {
    this.#keepAlive.begin();
    try {
      await this.#caller.opened;
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
      remote: this.#caller.stats(),
    };
  }

  keepLoop(on: boolean): void {
    this.#caller.keepLoop(on);
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

  #end(): Promise<void> {
    this.#ended ??= this.#endAll();
    return this.#ended;
  }

  async #endAll(): Promise<void> {
    await this.#host?.stop();
    await this.#caller.close();
    this.#keepAlive.close();
  }
}

function closed(): TaskError {
  return new TaskError('ERR_MILLRACE_TASK_CLIENT_CLOSED', 'The task pool is closed.');
}
