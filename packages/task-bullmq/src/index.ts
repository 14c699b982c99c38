/**
 * Runs the tasks of a Millrace pool on other machines, over BullMQ on Redis or Valkey.
 *
 * ```ts
 * const pool = new TaskPool<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url), {
 *   size: 4,
 *   transport: bullmq({ connection: 'redis://10.0.0.7', queue: 'images' }),
 * });
 * const thumbnail = await pool.run('resize', image, { timeout: 60_000, retries: 2 });
 * ```
 *
 * To read the source: caller.ts and host.ts are the two ends of the seam of `@millrace/task-broker`, connection.ts what they
 * share; job-data.ts is a task as a job of BullMQ, reply-stream.ts how answers come back, keys.ts what else lies in Redis.
 *
 * @packageDocumentation
 */
import { checkOptions } from '@millrace/channel';
import { engineTransport, type TaskEngine, type TransportOptions } from '@millrace/task-broker';
import type { RemoteTransport } from '@millrace/task-pool';
import { engineOf } from './engine.js';
import {
  BULLMQ_OPTIONS,
  BULLMQ_TRANSPORT_OPTIONS,
  type BullmqOptions,
  resolveBullmqOptions,
} from './options.js';

export type { BullmqOptions } from './options.js';
export { type Schedule, TaskSchedules, type When } from './schedules.js';

/** The option `transport` of a `TaskPool`. Throws `ERR_MILLRACE_BROKER_OPTION` and `ERR_MILLRACE_UNKNOWN_OPTION`. */
export function bullmq(options: BullmqOptions & TransportOptions = {}): RemoteTransport {
  checkOptions(options, BULLMQ_TRANSPORT_OPTIONS, 'bullmq()');
  return engineTransport(engineOf(resolveBullmqOptions(options)), options);
}

/** The option `engine` of `serveTasks`. */
export function bullmqEngine(options: BullmqOptions = {}): TaskEngine {
  checkOptions(options, BULLMQ_OPTIONS, 'bullmqEngine()');
  return engineOf(resolveBullmqOptions(options));
}
