import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  Claim,
  HostBroker,
  HostEvents,
  HostReport,
  Renewal,
  Reply,
  Settled,
  Settlement,
} from '@millrace/task-broker';
import { type Job, UnrecoverableError } from 'bullmq';
import type { Redis } from 'ioredis';
import { Answers } from './answers.js';
import { THROWN_FIELD } from './caller.js';
import { ClaimWorker } from './claim-worker.js';
import { asBrokerError, ConnectionWatch, connect, examine, whenReady } from './connection.js';
import { base64, claimOf, type JobData } from './job-data.js';
import { Keys } from './keys.js';
import type { ResolvedBullmqOptions } from './options.js';

/** Bytes that wait to be written to Redis, beyond which progress is dropped. */
const MOST_WAITING = 1 << 20;
/** Milliseconds for which a cancellation is remembered whose task is not known yet: its claim may be under way to here. */
const REMEMBERED_MS = 10_000;
/** Milliseconds between two attempts to claim what a limiter holds back. */
const LIMITED_MS = 20;
/**
 * So often in a row may be answered at once that there is no task, before it is a limiter that says so: when the queue is empty, when a
 * marker is left of a task that had a priority (BullMQ's script sets one behind each), and when another host was quicker.
 */
const EMPTY_AT_ONCE = 4;
/** Milliseconds until a failed attempt to claim is repeated. */
const RETRY_MS = 200;
/** What BullMQ's scripts answer about a claim that is another's, or of a job that is gone. */
const NOT_HELD: ReadonlySet<number> = new Set([-1, -2, -3, -6]);

interface Waiter {
  readonly take: (claim: Claim | undefined) => void;
}

export class BullmqHost implements HostBroker {
  readonly address = `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
  readonly renewEvery: number;
  readonly #options: ResolvedBullmqOptions;
  readonly #keys: Keys;
  readonly #redis: Redis;
  readonly #subscriber: Redis;
  readonly #answers: Answers;
  /** The job behind a claim, whose token is the lock's. */
  readonly #jobs = new WeakMap<Claim, Job<JobData>>();
  #worker: ClaimWorker | undefined;
  #events: HostEvents | undefined;
  #waiters: Waiter[] = [];
  #pumping = false;
  #tokens = 0;
  readonly #cancelled = new Map<string, number>();
  #ahead = 0;
  #closing = false;

  constructor(options: ResolvedBullmqOptions) {
    this.#options = options;
    this.renewEvery = Math.max(10, Math.floor(options.lock / 3));
    this.#keys = new Keys(options.queue);
    this.#redis = connect(options, true);
    this.#subscriber = connect(options, true);
    this.#answers = new Answers(this.#redis);
  }

  async open(events: HostEvents): Promise<void> {
    this.#events = events;
    new ConnectionWatch(
      [this.#redis, this.#subscriber],
      () => events.connected(),
      (error) => events.away(error),
    );
    try {
      await Promise.all([whenReady(this.#redis), whenReady(this.#subscriber)]);
      this.#ahead = (await examine(this.#redis, this.#options)).ahead;
    } catch (error) {
      this.#disconnect();
      throw asBrokerError(error);
    }
    const { queue, prefix, lock, limiter } = this.#options;
    this.#worker = new ClaimWorker(queue, this.#redis, { prefix, lock, limiter });
    this.#worker.on('stalled', (id) => events.stalled(id));
    await this.#worker.waitUntilReady();
    await this.#worker.startStalledCheckTimer();
    this.#subscriber.on('message', (channel, message) => this.#told(channel, message));
    await this.#subscriber.subscribe(this.#keys.hosts, this.#keys.host(this.address));
  }

  now(): number {
    return Date.now() + this.#ahead;
  }

  claim(signal: AbortSignal): Promise<Claim | undefined> {
    if (signal.aborted || this.#closing) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const onAbort = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(undefined);
      };
      const waiter: Waiter = {
        take: (claim) => {
          signal.removeEventListener('abort', onAbort);
          resolve(claim);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
      void this.#pump();
    });
  }

  async renew(claims: readonly Claim[]): Promise<Renewal> {
    const jobs = claims.map((claim) => this.#jobs.get(claim) as Job<JobData>);
    const ids = jobs.map(({ id }) => id as string);
    const tokens = jobs.map(({ token }) => token as string);
    try {
      const [failed, marks] = await Promise.all([
        this.#claimWorker.extendJobLocks(ids, tokens, this.#options.lock),
        this.#redis.mget(ids.map((id) => this.#keys.cancel(id))),
      ]);
      return {
        lost: claims.filter(({ id }) => failed.includes(id)),
        cancelled: claims.filter((_, index) => marks[index] !== null),
      };
    } catch (error) {
      throw asBrokerError(error);
    }
  }

  async settle(claim: Claim, settlement: Settlement, another: boolean, answer?: Reply): Promise<Settled> {
    const job = this.#jobs.get(claim) as Job<JobData>;
    const token = job.token as string;
    // While the connection to wait with is lost, nothing is claimed that may have to be given back.
    const fetchNext = another && !this.#closing;
    try {
      if (settlement.kind === 'again') {
        await this.#claimWorker.giveBack(job);
        return { held: true, next: undefined };
      }
      if (settlement.kind === 'unbegun') {
        await this.#claimWorker.giveBackUnbegun(job);
        return { held: true, next: undefined };
      }
      const settling =
        settlement.kind === 'done'
          ? job.moveToCompleted(base64(settlement.body) as never, token, fetchNext)
          : this.#fail(job, settlement, token, fetchNext);
      if (answer !== undefined) this.#answer(claim, job, settling, answer);
      return { held: true, next: await this.#next(await settling, token) };
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      if (typeof code === 'number' && NOT_HELD.has(code)) return { held: false, next: undefined };
      throw asBrokerError(error);
    }
  }

  async reply({ replyTo }: Claim, reply: Reply): Promise<void> {
    if (replyTo === undefined) return;
    try {
      await this.#answers.send(this.#keys.replies(replyTo), reply);
    } catch (error) {
      throw asBrokerError(error);
    }
  }

  progress(claim: Claim, reply: Reply): boolean {
    const { status, stream } = this.#redis;
    const waiting = (stream as { writableLength?: number } | undefined)?.writableLength ?? 0;
    if (status !== 'ready' || waiting > MOST_WAITING) return false;
    this.reply(claim, reply).catch(() => {});
    return true;
  }

  async report(report: HostReport): Promise<void> {
    const text = JSON.stringify({ ...report, at: this.now() });
    await this.#redis
      .pipeline()
      .hset(this.#keys.hosts, this.address, text)
      .pexpire(this.#keys.hosts, 86_400_000)
      .exec();
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    for (const { take } of this.#waiters.splice(0)) take(undefined);
    if (this.#redis.status === 'ready')
      await this.#redis.hdel(this.#keys.hosts, this.address).catch(() => {});
    await this.#worker?.close(true).catch(() => {});
    this.#disconnect();
  }

  /** One reader for all that wait: the tasks of a queue come one after the other. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let atOnce = 0; this.#waiters.length > 0 && !this.#closing; ) {
        const since = performance.now();
        const job = await this.#claimWorker.getNextJob(`${this.address}:${this.#tokens++}`);
        if (job !== undefined) await this.#give(job as Job<JobData>);
        const isAtOnce = job === undefined && performance.now() - since < LIMITED_MS;
        atOnce = isAtOnce ? atOnce + 1 : 0;
        if (atOnce > EMPTY_AT_ONCE) await sleep(LIMITED_MS);
      }
    } catch (error) {
      this.#events?.away(error as Error);
      await sleep(RETRY_MS);
    } finally {
      this.#pumping = false;
    }
    if (this.#waiters.length > 0 && !this.#closing) void this.#pump();
  }

  async #give(job: Job<JobData>): Promise<void> {
    const claim = await this.#claimed(job);
    if (claim === undefined) return;
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) waiter.take(claim);
    // Whoever waited for it has gone meanwhile.
    else await this.#claimWorker.giveBackUnbegun(job).catch(() => {});
  }

  /** Where the connection breaks it is lost, and looked up. */
  #answer(claim: Claim, job: Job<JobData>, settling: Promise<unknown>, answer: Reply): void {
    const { replyTo } = claim;
    if (replyTo === undefined) return;
    const key = this.#claimWorker.toKey(claim.id);
    this.#answers
      .sendBehind(this.#keys.replies(replyTo), key, job.attemptsStarted, answer)
      .then(async (isSent) => {
        if (isSent) return;
        await settling;
        await this.reply(claim, answer);
      })
      .catch(() => {});
  }

  async #next(found: unknown, token: string): Promise<Claim | undefined> {
    const job = await this.#claimWorker.jobOf(found, token);
    return job && this.#claimed(job as Job<JobData>);
  }

  /** Of a job that is none of ours there is no claim: it fails, for all to see. */
  async #claimed(job: Job<JobData>): Promise<Claim | undefined> {
    const claim = claimOf(job);
    if (claim === undefined) {
      const reason = new UnrecoverableError(
        'This job is no task of a Millrace pool: its data has another form.',
      );
      await job.moveToFailed(reason, job.token as string, false).catch(() => {});
      return undefined;
    }
    this.#jobs.set(claim, job);
    if (this.#cancelled.size > 0 && this.#cancelled.delete(claim.id))
      setImmediate(() => this.#events?.cancelled(claim.id));
    return claim;
  }

  async #fail(
    job: Job<JobData>,
    { body, message }: { readonly body: Uint8Array; readonly message: string },
    token: string,
    fetchNext: boolean,
  ): Promise<unknown> {
    await this.#claimWorker.keep(job.id as string, THROWN_FIELD, base64(body));
    const reason = new UnrecoverableError(message);
    reason.stack = message;
    return job.moveToFailed(reason, token, fetchNext);
  }

  #told(channel: string, message: string): void {
    if (channel === this.#keys.hosts) {
      this.#remember(message);
      this.#events?.cancelled(message);
      return;
    }
    const space = message.indexOf(' ');
    this.#events?.credited(message.slice(space + 1), Number(message.slice(0, space)));
  }

  #remember(id: string): void {
    const now = performance.now();
    for (const [old, at] of this.#cancelled) {
      if (now - at < REMEMBERED_MS) break;
      this.#cancelled.delete(old);
    }
    this.#cancelled.set(id, now);
  }

  get #claimWorker(): ClaimWorker {
    if (this.#worker === undefined) throw new Error('The connection has not been made yet.');
    return this.#worker;
  }

  #disconnect(): void {
    this.#redis.disconnect();
    this.#subscriber.disconnect();
  }
}
