import {
  type ResetTasks,
  type TaskWorkerDied,
  type TaskWorkerGone,
  type TaskWorkerUp,
  unknownMessage,
} from '../contract/control-messages.js';
import type { ManagerLink, RoleMessage } from './manager-link.js';
import type { RoleContext } from './role-context.js';

/** What asks task workers, as the manager tells it of them. */
export interface TaskNews {
  heard(message: TaskWorkerDied | TaskWorkerUp | TaskWorkerGone): void;
  /** False: it has not opened what is to be emptied. */
  reset(message: ResetTasks): boolean;
}

/** What the manager says to a process that may ask for tasks, and has no rings or pipes of sessions: a user process, a service. */
export function hearOfTasks(
  message: RoleMessage,
  news: TaskNews | undefined,
  link: ManagerLink,
  context: RoleContext,
): void {
  switch (message.type) {
    case 'taskWorkerUp':
    case 'taskWorkerGone':
    case 'taskWorkerDied':
      return news?.heard(message);
    case 'resetTasks': {
      const { taskWorker } = message;
      const reset = news?.reset(message) === true;
      return link.tell({ type: 'tasksReset', taskWorker, pid: process.pid, reset });
    }
    case 'lease':
    case 'leave':
    case 'sized':
    case 'alsoListen':
    case 'resetLinks':
      // For processes that have rings and pipes of their own.
      return;
    default:
      unknownMessage(message, 'manager', context);
  }
}
