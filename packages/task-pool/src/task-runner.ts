import type { Channel } from '@millrace/channel';
import { TaskError } from './errors.js';
import type { TaskReply, TaskRequest } from './protocol.js';
import { describePlainly, describeThrown, reviveThrown } from './thrown.js';

/** What a task handler is told beside its value. */
export interface TaskContext {
  /** The asking process's number for this task; unique for that process while it lives. */
  readonly id: number;
  /** Index of the process that asked. */
  readonly source: number;
}

export type TaskHandler = (value: unknown, context: TaskContext) => unknown;

export interface TaskRunnerOptions {
  /** The ways to those who ask, by their index. */
  readonly channels: readonly Channel<TaskReply, TaskRequest>[];
  /** Finds the handler of a name. */
  readonly handler: (name: string) => TaskHandler | undefined;
  /** A result could not be sent (its asker is told as well). */
  readonly onUnsendable: (error: unknown, name: string) => void;
}

/**
 * Runs the tasks that arrive in a task worker: one at a time, in the order of their arrival. While one runs, no other
 * is taken, so that a death costs the one. The channels need `batch: 1`.
 */
export class TaskRunner {
  readonly #channels: readonly Channel<TaskReply, TaskRequest>[];
  readonly #handler: (name: string) => TaskHandler | undefined;
  readonly #onUnsendable: (error: unknown, name: string) => void;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor({ channels, handler, onUnsendable }: TaskRunnerOptions) {
    this.#channels = channels;
    this.#handler = handler;
    this.#onUnsendable = onUnsendable;
  }

  /** Takes and runs tasks from here on, until `stop`. */
  start(): void {
    for (const [source, channel] of this.#channels.entries()) {
      channel.onMessage((request) => this.#take(source, request));
    }
  }

  /** Takes no more tasks; resolves when the one that runs has been answered. What was not taken stays in its channel. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const channel of this.#channels) channel.pause();
    await this.#running;
  }

  #take(source: number, request: TaskRequest): void {
    for (const channel of this.#channels) channel.pause();
    this.#running = this.#run(source, request).then(() => {
      if (!this.#stopped) for (const channel of this.#channels) channel.resume();
    });
  }

  async #run(source: number, [id, owner, name, value]: TaskRequest): Promise<void> {
    let reply: TaskReply;
    try {
      const handler = this.#handler(name);
      if (handler === undefined)
        throw new TaskError('ERR_MILLRACE_UNKNOWN_TASK', `There is no task named '${name}'.`);
      reply = [id, owner, true, await handler(value, { id, source })];
    } catch (error) {
      reply = [id, owner, false, describeThrown(error)];
    }
    const channel = this.#channels[source] as Channel<TaskReply, TaskRequest>;
    try {
      channel.send(reply);
    } catch (error) {
      this.#onUnsendable(error, name);
      channel.send([id, owner, false, describePlainly(reply[2] ? error : reviveThrown(reply[3]))]);
    }
    channel.flush();
  }
}
