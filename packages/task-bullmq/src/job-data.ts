import { createHash } from 'node:crypto';
import type { Claim, EngineTask } from '@millrace/task-broker';
import type { Job, JobsOptions } from 'bullmq';
import type { ResolvedBullmqOptions } from './options.js';

/** The data of a job, which BullMQ keeps as JSON: short names, for they are in each. */
export interface JobData {
  /** The body, in base64. */
  readonly b: string;
  /** The caller's number of the task. */
  readonly n: number;
  /** Where replies go. */
  readonly r?: string;
  /** Retries; -1: any number. */
  readonly t: number;
  /** It gives several results. */
  readonly s?: 1;
  /** When it expires, in milliseconds of Redis's clock. */
  readonly x?: number;
  /** Attempts of earlier copies. */
  readonly e?: number;
}

/** Priorities of BullMQ count down from this one: 0 would go before all others. */
const MIDDLE = 1_048_576;
const LAST = 2 * MIDDLE;

export function dataOf(task: EngineTask): JobData {
  return {
    b: base64(task.body),
    n: task.number,
    t: Number.isFinite(task.retries) ? task.retries : -1,
    ...(task.replyTo !== undefined && { r: task.replyTo }),
    ...(task.stream && { s: 1 as const }),
    ...(task.expiresAt !== undefined && { x: task.expiresAt }),
    ...(task.earlierAttempts > 0 && { e: task.earlierAttempts }),
  };
}

export function optionsOf(
  task: EngineTask,
  { keepAge: age, keepCount: count }: ResolvedBullmqOptions,
): JobsOptions {
  return {
    jobId: idOf(task),
    removeOnComplete: { age, count },
    removeOnFail: { age, count },
    priority: Math.min(LAST, Math.max(1, MIDDLE - Math.round(task.priority))),
    ...(task.delay > 0 && { delay: task.delay }),
  };
}

/** The engine's de-duplication is by the id of a job: a key makes one of its own. */
export function idOf({ id, idempotencyKey }: EngineTask): string {
  if (idempotencyKey === undefined) return id;
  return `key-${createHash('sha256').update(idempotencyKey).digest('base64url')}`;
}

/** A job as a claim; undefined: it is none of ours. */
export function claimOf(job: Job<Partial<JobData>>): Claim | undefined {
  const { b, n, r, t, s, x, e = 0 } = job.data ?? {};
  if (typeof b !== 'string' || typeof n !== 'number' || typeof t !== 'number') return undefined;
  return {
    id: job.id as string,
    number: n,
    name: job.name,
    body: Buffer.from(b, 'base64'),
    attempt: e + job.attemptsStarted,
    replyTo: r,
    retries: t < 0 ? Number.POSITIVE_INFINITY : t + e,
    stream: s === 1,
    expiresAt: x,
  };
}

export function base64(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64');
}
