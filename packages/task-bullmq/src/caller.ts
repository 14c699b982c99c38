import { randomBytes } from 'node:crypto';
import type {
  CallerBroker,
  CallerEvents,
  EngineCounts,
  EngineTask,
  Fate,
  HostReport,
} from '@millrace/task-broker';
import { Queue } from 'bullmq';
import {
  asBrokerError,
  ConnectionWatch,
  connect,
  examine,
  type GatheringRedis,
  whenReady,
} from './connection.js';
import { dataOf, idOf, type JobData, optionsOf } from './job-data.js';
import { Keys } from './keys.js';
import type { ResolvedBullmqOptions } from './options.js';
import { ReplyStream } from './reply-stream.js';

/** Milliseconds that a cancellation waits for its host. */
const CANCEL_MS = 60_000;
/** Milliseconds after which a host that has not reported is gone. */
const REPORTED_MS = 10_000;
/** Where a host keeps what a task threw, beside the fields of BullMQ. */
export const THROWN_FIELD = 'millrace';

export class BullmqCaller implements CallerBroker {
  readonly address = randomBytes(9).toString('base64url');
  readonly #options: ResolvedBullmqOptions;
  readonly #keys: Keys;
  readonly #commands: GatheringRedis;
  readonly #reader: GatheringRedis;
  #queue: Queue<JobData> | undefined;
  #replies: ReplyStream | undefined;
  #ahead = 0;
  #keepLoop = true;
  #closed = false;

  constructor(options: ResolvedBullmqOptions) {
    this.#options = options;
    this.#keys = new Keys(options.queue);
    this.#commands = connect(options, false);
    this.#reader = connect(options, true);
  }

  async open(events: CallerEvents): Promise<void> {
    const watch = new ConnectionWatch(
      [this.#commands, this.#reader],
      () => void this.#connected(events, watch),
      (error) => events.away(error),
    );
    for (const client of [this.#commands, this.#reader])
      client.on('connect', () => this.#applyKeepLoop(client));
    try {
      await Promise.all([whenReady(this.#commands), whenReady(this.#reader)]);
      this.#ahead = (await examine(this.#commands, this.#options)).ahead;
    } catch (error) {
      this.#disconnect();
      throw asBrokerError(error);
    }
    this.#queue = new Queue<JobData>(this.#options.queue, {
      connection: this.#commands,
      prefix: this.#options.prefix,
    });
    // The connection reports what is lost; without a listener the process would end.
    this.#queue.on('error', () => {});
    this.#replies = new ReplyStream(this.#keys.replies(this.address), this.#commands, this.#reader, (reply) =>
      events.replied(reply),
    );
    await this.#queue.waitUntilReady();
    await this.#connected(events, watch);
  }

  now(): number {
    return Date.now() + this.#ahead;
  }

  async enqueue(task: EngineTask): Promise<string> {
    return this.#ask(async () => {
      await this.#ready.add(task.name, dataOf(task), optionsOf(task, this.#options));
      return idOf(task);
    });
  }

  async cancel(id: string): Promise<void> {
    await this.#ask(async () => {
      if ((await this.#ready.remove(id)) === 1) return;
      await this.#commands.set(this.#keys.cancel(id), '1', 'PX', CANCEL_MS);
      await this.#commands.publish(this.#keys.hosts, id);
    });
  }

  async credit(host: string, id: string, total: number): Promise<void> {
    await this.#ask(() => this.#commands.publish(this.#keys.host(host), `${total} ${id}`));
  }

  lookUp(ids: readonly string[]): Promise<Fate[]> {
    return this.#ask(async () => {
      const jobs = this.#commands.pipeline();
      for (const id of ids)
        jobs.hmget(
          this.#ready.toKey(id),
          'timestamp',
          'finishedOn',
          'returnvalue',
          THROWN_FIELD,
          'failedReason',
          'ats',
        );
      const found = (await jobs.exec()) ?? [];
      return found.map(([error, fields]) => {
        if (error !== null) throw error;
        return fateOf(fields as (string | null)[]);
      });
    });
  }

  counts(): Promise<EngineCounts> {
    return this.#ask(async () => {
      const [counts, reports] = await Promise.all([
        this.#ready.getJobCounts('wait', 'prioritized', 'delayed', 'active'),
        this.#commands.hgetall(this.#keys.hosts),
      ]);
      const hosts: Record<string, HostReport> = {};
      for (const [host, text] of Object.entries(reports)) {
        const { at, ...report } = JSON.parse(text) as HostReport & { at: number };
        if (at > this.now() - REPORTED_MS) hosts[host] = report;
      }
      const { wait = 0, prioritized = 0, delayed = 0, active = 0 } = counts;
      return { waiting: wait + prioritized, delayed, running: active, hosts };
    });
  }

  keepLoop(on: boolean): void {
    this.#keepLoop = on;
    for (const client of [this.#commands, this.#reader]) this.#applyKeepLoop(client);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#commands.status === 'ready') await this.#replies?.close();
    await this.#queue?.close().catch(() => {});
    this.#disconnect();
  }

  /** For each connection: the stream is there before anything is said that it may be needed for. */
  async #connected(events: CallerEvents, watch: ConnectionWatch): Promise<void> {
    if (this.#replies === undefined || this.#closed) return;
    try {
      await this.#replies.open();
    } catch {
      // Lost again meanwhile; the watch has said so, and calls this once more.
      return watch.look();
    }
    events.connected();
  }

  get #ready(): Queue<JobData> {
    if (this.#queue === undefined) throw new Error('The connection has not been made yet.');
    return this.#queue;
  }

  async #ask<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw asBrokerError(error);
    }
  }

  #applyKeepLoop(client: GatheringRedis): void {
    client.keepLoop(this.#keepLoop);
  }

  #disconnect(): void {
    this.#commands.disconnect();
    this.#reader.disconnect();
  }
}

function fateOf([timestamp, finishedOn, result, thrown, failedReason, started]: (string | null)[]): Fate {
  if (typeof timestamp !== 'string') return { kind: 'unknown' };
  if (typeof finishedOn !== 'string') return { kind: 'pending' };
  const attempt = Number(started ?? 1);
  if (typeof thrown === 'string') return { kind: 'thrown', body: Buffer.from(thrown, 'base64'), attempt };
  if (typeof failedReason === 'string') return { kind: 'failed', message: failedReason };
  return { kind: 'done', body: Buffer.from(JSON.parse(result ?? '""') as string, 'base64'), attempt };
}
