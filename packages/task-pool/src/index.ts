export { TaskError, type TaskErrorCode } from './errors.js';
export type { TaskReply, TaskRequest } from './protocol.js';
export {
  type RunOptions,
  TaskClient,
  type TaskClientOptions,
  type TaskClientStats,
  type TaskLink,
} from './task-client.js';
export { type TaskContext, type TaskHandler, TaskRunner, type TaskRunnerOptions } from './task-runner.js';
export { defineTasks, type TaskResult, type Tasks, type TaskValue } from './tasks.js';
