import { type Job, type JobJson, Worker } from 'bullmq';
import type { Redis } from 'ioredis';

/** A claim that is lost with its host is no failure of the task: how often that may be is decided by its retries. */
const ANY_STALLS = 1_000_000_000;
/** Seconds that it waits for a job: what is less than the silence after which a connection is given up. */
const BLOCK_S = 5;

/** BullMQ's worker as a source of claims: it fetches, renews and finds what stalled, and runs nothing. */
export class ClaimWorker extends Worker {
  readonly #redis: Redis;

  constructor(
    queue: string,
    redis: Redis,
    options: {
      readonly prefix: string;
      readonly lock: number;
      readonly limiter: { readonly max: number; readonly duration: number } | undefined;
    },
  ) {
    super(queue, null, {
      connection: redis,
      prefix: options.prefix,
      autorun: false,
      skipLockRenewal: true,
      lockDuration: options.lock,
      stalledInterval: Math.max(10, Math.floor(options.lock / 2)),
      maxStalledCount: ANY_STALLS,
      drainDelay: BLOCK_S,
      ...(options.limiter !== undefined && { limiter: { ...options.limiter } }),
    });
    this.#redis = redis;
    // The connections report what is lost; without a listener the process would end.
    this.on('error', () => {});
  }

  /** The job in what a finished one answers with: the next, under the same token. */
  async jobOf(found: unknown, token: string): Promise<Job | undefined> {
    if (!Array.isArray(found)) return undefined;
    const [job, id, limitedFor, delayedUntil] = found as [JobJson | null, string, number, number];
    // Without a job the worker takes the queue for empty, and waits at the next request: not where jobs are only held back.
    if (!job && (limitedFor > 0 || delayedUntil > 0)) return undefined;
    return this.nextJobFromJobData(job ?? undefined, id, token);
  }

  /** Gives a job back, as the next of its priority. BullMQ wakes no host that waits for one with a priority: this does. */
  async giveBack(job: Job): Promise<void> {
    await job.moveToWait(job.token as string);
    await this.#redis.zadd(this.toKey('marker'), 0, '0');
  }

  /** Gives back a job that was not begun: that was no attempt. Of one that is another's by now nothing is changed. */
  async giveBackUnbegun(job: Job): Promise<void> {
    const script =
      "if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('HINCRBY', KEYS[1], 'ats', -1) end";
    const key = this.toKey(job.id as string);
    await this.#redis.eval(script, 2, key, `${key}:lock`, job.token as string);
    await this.giveBack(job);
  }

  /** Sets a field of a job that exists. */
  async keep(id: string, field: string, value: string): Promise<void> {
    const script =
      "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end";
    await this.#redis.eval(script, 1, this.toKey(id), field, value);
  }
}
