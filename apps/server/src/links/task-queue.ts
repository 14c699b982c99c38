import { copyOf } from '@millrace/channel/internal';
import type { QueueAddress } from '@millrace/task-pool';
import { type LargeValueFiles, queueState, TaskQueue } from '@millrace/task-pool/internal';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { userIdOf } from '../options/user-id.js';
import { askersOf, type TaskTopology } from './task-topology.js';

type QueueOptions = Pick<
  ResolvedOptions,
  'taskWorkerNum' | 'taskTransport' | 'taskQueueKey' | 'taskQueueName' | 'taskQueueTrustedUsers' | 'user'
>;

/** The queue of the system that the tasks of a server travel in; undefined where they travel otherwise. */
export function taskQueueOf(options: QueueOptions): QueueAddress | undefined {
  const { taskWorkerNum, taskQueueKey, taskQueueName, taskQueueTrustedUsers: trusted } = options;
  if (taskWorkerNum === 0) return undefined;
  const own = userIdOf(options);
  // The master, which stays root, has to do with a queue that workers of another user have made.
  const trustedUsers = trusted === 'any' ? trusted : [...trusted, ...(own === undefined ? [] : [own])];
  if (options.taskTransport === 'posix-queue' && taskQueueName !== undefined)
    return { name: taskQueueName, trustedUsers };
  if (options.taskTransport === 'system-v-queue' && taskQueueKey !== undefined)
    return { key: taskQueueKey, trustedUsers };
  return undefined;
}

export interface TaskQueueParts {
  /** Which run of the server this is, in messages that may outlive it. */
  readonly run: string;
  readonly topology: TaskTopology;
  readonly files: LargeValueFiles;
  /** Told of each message in the queue that is no task. */
  readonly onGarbage?: (error: Error) => void;
}

/**
 * Whether this process, whatever rights it runs with, has what tasks take: their files, where it is not who started the
 * server, and their queue where there is one already. Found out later it would end a process that serves, and the next,
 * and the next. Throws `ERR_MILLRACE_TASK_TMPDIR`, or `QueueError`.
 */
export function checkTaskMeans(
  { user, group }: Pick<ResolvedOptions, 'user' | 'group'>,
  { taskQueue }: TaskTopology,
  files: LargeValueFiles | undefined,
): void {
  // A directory that no process may write, of a container say, is in the way of large values alone.
  if (user !== undefined || group !== undefined) files?.make();
  if (taskQueue !== undefined) queueState(taskQueue);
}

/** Opens it in a process that asks or in a task worker; undefined where tasks travel otherwise. */
export function openTaskQueue(parts: TaskQueueParts): TaskQueue | undefined {
  const { run, topology, files, onGarbage } = parts;
  if (topology.taskQueue === undefined) return undefined;
  return new TaskQueue(topology.taskQueue, {
    files,
    run,
    askers: askersOf(topology),
    onGarbage,
    copy: copyOf,
  });
}
