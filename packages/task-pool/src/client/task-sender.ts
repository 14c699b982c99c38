import type { ChannelError } from '@millrace/channel';
import type { TaskError } from '../errors.js';
import type { SpilledFile } from '../wire/large-value-files.js';
import * as layout from '../wire/task-layout.js';
import { TaskMessage } from '../wire/task-message.js';
import { asError, NO_REASON } from '../wire/thrown.js';
import type { Job } from './job.js';
import type { Lane } from './worker-queue.js';

/** What an asker says to task workers; one message, filled anew each time. */
export class Outbox {
  readonly #message = new TaskMessage();

  /** `owner` names the asker. */
  constructor(owner: number) {
    this.#message.owner = owner;
  }

  /** Sends a task that has its slot; returns why it cannot be sent, undefined when it was. */
  task(lane: Lane, job: Job): Error | undefined {
    const message = this.#address(job, layout.TASK, job.attempt, job.value);
    message.flags = job.flags;
    message.name = job.name;
    message.file = undefined as SpilledFile | undefined;
    try {
      if (!lane.link.channel.send(message) && lane.shared) lane.full = true;
      job.file = message.file;
      return undefined;
    } catch (error) {
      message.file?.remove();
      // The value cannot be sent, is too large, has no place in taskTmpdir, or throws when it is read: the caller's error.
      return asError(error);
    } finally {
      message.value = undefined;
    }
  }

  /** Says something about a task to the worker that has it. */
  tell(lane: Lane, job: Job, kind: number, number: number, value: unknown): void {
    const message = this.#address(job, kind, number, value);
    message.flags = 0;
    message.name = '';
    try {
      lane.link.channel.send(message);
    } catch (error) {
      const { code } = error as ChannelError | TaskError;
      // That nobody waits is told in any case: the caller is not to wait for the room.
      if (code === 'ERR_MILLRACE_TASK_TMPDIR' && value !== NO_REASON)
        return this.tell(lane, job, kind, number, NO_REASON);
      // A worker that does not read cannot be told; if it must end for that, `grace` is what ends it.
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
