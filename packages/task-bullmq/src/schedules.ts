import { valueBody } from '@millrace/task-broker';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { connect, examine, whenReady } from './connection.js';
import { base64, type JobData } from './job-data.js';
import { type BullmqOptions, type ResolvedBullmqOptions, resolveBullmqOptions } from './options.js';

/** By the clock, as cron says it, or every so many milliseconds. */
export type When =
  | { readonly pattern: string; readonly tz?: string; readonly every?: undefined }
  | { readonly every: number; readonly pattern?: undefined; readonly tz?: undefined };

export interface Schedule {
  readonly id: string;
  readonly task: string;
  readonly when: When;
  /** Milliseconds since 1970 of the next run. */
  readonly next: number | undefined;
}

/** Tasks that the engine enqueues by the clock, for whichever host is free; nobody waits for their results. */
export class TaskSchedules implements AsyncDisposable {
  readonly #options: ResolvedBullmqOptions;
  readonly #redis: Redis;
  #queue: Promise<Queue<JobData>> | undefined;

  constructor(options: BullmqOptions = {}) {
    this.#options = resolveBullmqOptions(options);
    this.#redis = connect(this.#options, true);
    this.#redis.on('error', () => {});
  }

  /** Makes a schedule, or changes that of the same id. */
  async set(
    id: string,
    when: When,
    task: string,
    value?: unknown,
    { retries = 0 }: { readonly retries?: number } = {},
  ): Promise<void> {
    const queue = await this.#open();
    const data: JobData = { b: base64(valueBody(value)), n: 0, t: Number.isFinite(retries) ? retries : -1 };
    const { keepAge: age, keepCount: count } = this.#options;
    const opts = { removeOnComplete: { age, count }, removeOnFail: { age, count } };
    const repeat =
      when.every === undefined
        ? { pattern: when.pattern, ...(when.tz && { tz: when.tz }) }
        : { every: when.every };
    await queue.upsertJobScheduler(id, repeat, { name: task, data, opts });
  }

  /** False: there was none. */
  async remove(id: string): Promise<boolean> {
    return (await this.#open()).removeJobScheduler(id);
  }

  async list(): Promise<Schedule[]> {
    const found = await (await this.#open()).getJobSchedulers();
    return found.map(({ key, name, pattern, every, tz, next }) => ({
      id: key,
      task: name,
      when:
        pattern === undefined || pattern === null ? { every: Number(every) } : { pattern, ...(tz && { tz }) },
      next,
    }));
  }

  async close(): Promise<void> {
    const queue = await this.#queue?.catch(() => undefined);
    await queue?.close();
    this.#redis.disconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(): Promise<Queue<JobData>> {
    this.#queue ??= this.#connect();
    return this.#queue;
  }

  async #connect(): Promise<Queue<JobData>> {
    await whenReady(this.#redis);
    await examine(this.#redis, this.#options);
    const queue = new Queue<JobData>(this.#options.queue, {
      connection: this.#redis,
      prefix: this.#options.prefix,
    });
    queue.on('error', () => {});
    await queue.waitUntilReady();
    return queue;
  }
}
