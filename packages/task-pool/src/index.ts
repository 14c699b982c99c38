/**
 * Runs tasks in a pool of worker processes and brings their results back.
 *
 * ```ts
 * // tasks.ts
 * export const tasks = defineTasks({ words: (text: string) => text.split(' ').length });
 *
 * // main.ts
 * await using pool = new TaskPool<typeof import('./tasks.js')>(new URL('./tasks.js', import.meta.url));
 * pool.on('workerExit', ({ worker, signal }) => console.warn(`task worker ${worker} ended with ${signal}`));
 * const count = await pool.run('words', 'one two three', { timeout: 1_000 });
 * ```
 *
 * To read the source: pool/task-pool.ts assembles the parts; client/task-client.ts accepts tasks, client/dispatcher.ts chooses
 * the worker, client/worker-queue.ts holds what a worker has been sent; claims/claim-layout.ts is the word that decides whether
 * a worker begins a task or the pool takes it back; runner/task-runner.ts runs tasks in the worker. Messages are in
 * wire/task-layout.ts, their transports in transports/.
 *
 * @packageDocumentation
 */

export type { TaskName } from './client/dispatcher-options.js';
export type { Distribution } from './client/distribution.js';
export type { RunOptions } from './client/job.js';
export type { TaskEvent, TaskState, TaskStats } from './client/statistics.js';
export type { Settled, TaskCallback } from './client/task-client-options.js';
export { TaskError, type TaskErrorCode } from './errors.js';
export type { TaskPoolEvents, TaskPoolStats } from './pool/pool-events.js';
export type { TaskPoolOptions } from './pool/pool-options.js';
export type { RemoteTransport } from './pool/remote-transport.js';
export { TaskPool } from './pool/task-pool.js';
export type { QueueAddress } from './queue/queue-address.js';
export type { TaskContext } from './runner/running-task.js';
export {
  defineTasks,
  type RunName,
  type StreamName,
  type TaskItem,
  type TaskReport,
  type TaskResult,
  type Tasks,
  type TasksOf,
  type TaskValue,
} from './runner/tasks.js';
export type { TaskTransportName } from './transports/plan.js';
