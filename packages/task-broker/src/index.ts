/**
 * Runs the tasks of a pool on other machines, over an engine that brings them there: the seam, and what all engines share.
 *
 * ```ts
 * import { bullmq } from '@millrace/task-bullmq';
 *
 * // a caller: a pool whose tasks run on other machines
 * const pool = new TaskPool<typeof import('./tasks.js')>('./tasks.js', { size: 0, transport: bullmq({ connection, queue }) });
 *
 * // a host, on any number of machines
 * const host = serveTasks(new URL('./tasks.js', import.meta.url), { engine: bullmqEngine({ connection, queue }) });
 * ```
 *
 * To read the source: engine/engine.ts is the seam; caller/remote-dispatcher.ts brings tasks to an engine and hears of their
 * answers; host/task-host.ts claims tasks and runs them in a `TaskPool` of task-program.ts, which loads the user's module.
 *
 * @packageDocumentation
 */
export type { RemoteStats } from '@millrace/task-pool/internal';
export type { RemotePoolStats } from './caller/remote-pool.js';
export { engineTransport, TRANSPORT_OPTIONS, type TransportOptions } from './caller/transport.js';
export type {
  CallerBroker,
  CallerEvents,
  ConnectionEvents,
  EngineFeature,
  EngineRecipe,
  HostBroker,
  HostEvents,
  TaskEngine,
} from './engine/engine.js';
export {
  type EngineOptions,
  positive,
  type ResolvedEngineOptions,
  resolveEngineOptions,
} from './engine/engine-options.js';
export type {
  Claim,
  EngineCounts,
  EngineTask,
  Fate,
  HostReport,
  Renewal,
  Reply,
  Settled,
  Settlement,
} from './engine/task.js';
export { BrokerError, type BrokerErrorCode } from './errors.js';
export type { HostStats, ServeOptions } from './host/host-options.js';
export { serveTasks } from './host/serve-tasks.js';
export type { TaskHost, TaskHostEvents } from './host/task-host.js';
export { type LargeValueStore, valueBody } from './wire/bodies.js';
export { VALUE_LIMIT } from './wire/limits.js';
