/**
 * Runs work in task processes and brings the result back.
 *
 * To read the source: task-pool.ts is the whole; task-client.ts is what a caller asks, dispatcher.ts decides who runs
 * it and lane.ts what a worker has; claim-layout.ts is the word that both sides reach for; task-runner.ts runs it, in a
 * task worker. How they talk is in task-layout.ts and transports/.
 */
export { ClaimTable, claimBytes } from './claims/claim-table.js';
export { TaskBoard } from './claims/task-board.js';
export type { TaskName, TaskTally, WorkerEnd } from './client/dispatcher-options.js';
export type { Distribution } from './client/distribution.js';
export type { RunOptions } from './client/job.js';
export type { TaskEvent, TaskState, TaskStats } from './client/statistics.js';
export { TaskClient } from './client/task-client.js';
export type { Settled, TaskCallback, TaskClientOptions } from './client/task-client-options.js';
export type { SharedLink, TaskLink } from './client/worker-queue.js';
export { TaskError, type TaskErrorCode } from './errors.js';
export type { TaskPoolEvents, TaskPoolStats } from './pool/pool-events.js';
export type { TaskPoolOptions } from './pool/pool-options.js';
export { TaskPool } from './pool/task-pool.js';
export { ownQueue, type QueueAddress, queueState, queueTitle } from './queue/queue-address.js';
export { type QueuedTask, TaskQueue, type TaskQueueOptions } from './queue/task-queue.js';
export type { RunnerClaims, TaskHandler, TaskRunnerOptions } from './runner/runner-options.js';
export type { TaskContext } from './runner/running-task.js';
export { TaskRunner } from './runner/task-runner.js';
export { TaskTaker } from './runner/task-taker.js';
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
export type { TaskTransportName } from './transports/transport.js';
export { SpillDirectory } from './wire/large-value-files.js';
export { type TaskCodecOptions, TaskMessage, taskCodec } from './wire/task-message.js';
