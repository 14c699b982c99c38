import type { ChannelError } from '@millrace/channel';
import { closedError } from '@millrace/channel/internal';
import type { TaskError } from '../errors.js';
import type { LargeValueFile } from '../wire/large-value-files.js';
import * as layout from '../wire/task-layout.js';
import { TaskMessage } from '../wire/task-message.js';
import { asError, noReason } from '../wire/thrown.js';
import type { Job } from './job.js';
import type { WorkerQueue } from './worker-queue.js';

/** Sends tasks and control messages to task workers; it reuses one message object. */
export class TaskSender {
  readonly #message = new TaskMessage();

  /** `incarnation` identifies this process in its messages. */
  constructor(incarnation: number) {
    this.#message.incarnation = incarnation;
  }

  /** Sends a task that has its slot; returns the reason when it cannot be sent. */
  task(queue: WorkerQueue, job: Job): Error | undefined {
    const message = this.#address(job, layout.TASK, job.attempt, job.value);
    message.flags = job.flags;
    message.name = job.name;
    message.file = undefined as LargeValueFile | undefined;
    try {
      const more = queue.link.channel.send(message);
      if (more === undefined) throw closedError();
      if (!more && queue.shared) queue.full = true;
      job.file = message.file;
      return undefined;
    } catch (error) {
      message.file?.remove();
      // The value cannot be serialised, is too large, does not fit into taskTmpdir, or throws when it is read: the caller's error.
      return asError(error);
    } finally {
      message.value = undefined;
    }
  }

  /** Sends a control message about a task to the worker that has it. */
  tell(queue: WorkerQueue, job: Job, kind: number, number: number, value: unknown): void {
    const message = this.#address(job, kind, number, value);
    message.flags = 0;
    message.name = '';
    try {
      // Over: the worker can no longer have the task.
      queue.link.channel.send(message);
    } catch (error) {
      const { code } = error as ChannelError | TaskError;
      // The worker learns of the abort in any case; the caller must not wait for room.
      if (code === 'ERR_MILLRACE_TASK_TMPDIR' && value !== noReason())
        return this.tell(queue, job, kind, number, noReason());
      // A worker that does not read its channel cannot be reached; if it has to stop, `grace` kills it.
      if (code !== 'ERR_MILLRACE_CHANNEL_FULL') throw error;
    } finally {
      message.value = undefined;
    }
  }

  #address(job: Job, kind: number, number: number, value: unknown): TaskMessage {
    const message = this.#message;
    message.kind = kind;
    message.id = job.id;
    message.slot = job.slot;
    message.sequence = job.sequence;
    message.number = number;
    message.value = value;
    return message;
  }
}
