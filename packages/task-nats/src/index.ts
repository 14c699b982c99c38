/**
 * Runs the tasks of a Millrace pool on other machines, over NATS JetStream.
 *
 * ```ts
 * const pool = new TaskPool<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url), {
 *   size: 4,
 *   transport: jetStream({ servers: 'nats://10.0.0.7', stream: 'images' }),
 * });
 * ```
 *
 * To read the source: caller.ts and host.ts are the two ends of the seam of `@millrace/task-broker`; words.ts decides which host
 * settles a task, wire.ts has what is sent and kept, subjects.ts where.
 *
 * @packageDocumentation
 */
import { checkOptions } from '@millrace/channel';
import { engineTransport, type TaskEngine, type TransportOptions } from '@millrace/task-broker';
import type { RemoteTransport } from '@millrace/task-pool';
import { engineOf } from './engine.js';
import {
  JETSTREAM_OPTIONS,
  JETSTREAM_TRANSPORT_OPTIONS,
  type JetStreamOptions,
  resolveJetStreamOptions,
} from './options.js';

export type { JetStreamOptions } from './options.js';

/** The option `transport` of a `TaskPool`. Throws `ERR_MILLRACE_BROKER_OPTION` and `ERR_MILLRACE_UNKNOWN_OPTION`. */
export function jetStream(options: JetStreamOptions & TransportOptions = {}): RemoteTransport {
  checkOptions(options, JETSTREAM_TRANSPORT_OPTIONS, 'jetStream()');
  return engineTransport(engineOf(resolveJetStreamOptions(options)), options);
}

/** The option `engine` of `serveTasks`. */
export function jetStreamEngine(options: JetStreamOptions = {}): TaskEngine {
  checkOptions(options, JETSTREAM_OPTIONS, 'jetStreamEngine()');
  return engineOf(resolveJetStreamOptions(options));
}
