/**
 * Runs work in task processes and brings the result back.
 *
 * To read the source: task-pool.ts is the whole; task-client.ts is what a caller asks, dispatcher.ts decides who runs
 * it and lane.ts what a worker has; claim-layout.ts is the word that both sides reach for; task-runner.ts runs it, in a
 * task worker. How they talk is in task-layout.ts and transports/.
 */
export { ClaimTable, claimBytes } from './claims.js';
export type { TaskName, TaskTally, WorkerEnd } from './dispatcher-options.js';
export type { Distribution } from './distribution.js';
export { TaskError, type TaskErrorCode } from './errors.js';
export type { RunOptions } from './job.js';
export type { SharedLink, TaskLink } from './lane.js';
export type { TaskPoolOptions } from './options.js';
export type { TaskPoolEvents, TaskPoolStats } from './pool-events.js';
export { ownQueue, type QueueAddress, queueState, queueTitle } from './queue-address.js';
export type { RunnerClaims, TaskHandler, TaskRunnerOptions } from './runner-options.js';
export type { TaskContext } from './running-task.js';
export { SpillDirectory } from './spill.js';
export type { TaskEvent, TaskState, TaskStats } from './statistics.js';
export { TaskBoard } from './task-board.js';
export { TaskClient } from './task-client.js';
export type { Settled, TaskCallback, TaskClientOptions } from './task-client-options.js';
export { type TaskCodecOptions, TaskMessage, taskCodec } from './task-message.js';
export { TaskPool } from './task-pool.js';
export { type QueuedTask, TaskQueue, type TaskQueueOptions } from './task-queue.js';
export { TaskRunner } from './task-runner.js';
export { TaskTaker } from './task-taker.js';
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
} from './tasks.js';
export type { TaskTransportName } from './transports/transport.js';
