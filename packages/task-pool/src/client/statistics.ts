import { type Channel, channel } from 'node:diagnostics_channel';
import { type Distribution, DurationHistogram } from './distribution.js';
import type { Job } from './job.js';

/** What happened to tasks; counts are since the start. */
export interface TaskStats {
  /** Tasks that wait for a task worker. */
  readonly queued: number;
  /** Tasks that have been sent to a task worker and have no answer yet. */
  readonly running: number;
  readonly completed: number;
  /** Rejected, for whatever reason. */
  readonly failed: number;
  /** Of those that failed: by their time-out, by their signal, by the death of their worker. */
  readonly timedOut: number;
  readonly aborted: number;
  readonly died: number;
  /** Run again because their worker had died. */
  readonly retried: number;
  /** Taken back from a worker that turned out slow, or had died before it began them. */
  readonly recalled: number;
  /** Answers that arrived after their task had been settled; they were dropped. */
  readonly late: number;
  /** Milliseconds from the call to the beginning, and of running, of tasks that were answered. */
  readonly waitTime: Distribution;
  readonly runTime: Distribution;
}

/** The state changes that are published, each on its diagnostics channel. */
export const STATES = {
  queued: channel('millrace:task:queued'),
  sent: channel('millrace:task:sent'),
  recalled: channel('millrace:task:recalled'),
  retried: channel('millrace:task:retried'),
  completed: channel('millrace:task:completed'),
  failed: channel('millrace:task:failed'),
  late: channel('millrace:task:late'),
} as const;
export type TaskState = keyof typeof STATES;

/** The message of the diagnostics channels. */
export interface TaskEvent {
  readonly id: number;
  readonly name: string;
  readonly attempt: number;
  /** The task worker that has it; undefined while it waits, and when any may take it. */
  readonly worker: number | undefined;
  readonly error?: unknown;
}

/** Counts, measures and publishes; without subscribers publishing costs a test of a flag. */
export class Statistics {
  completed = 0;
  failed = 0;
  timedOut = 0;
  aborted = 0;
  died = 0;
  retried = 0;
  recalled = 0;
  late = 0;
  readonly wait = new DurationHistogram();
  readonly run = new DurationHistogram();

  /** `to` is one of {@link STATES}; not its name, which would cost a lookup for each task even without subscribers. */
  publish(to: Channel, { id, name, attempt, queue }: Job, error?: unknown): void {
    if (!to.hasSubscribers) return;
    const event: TaskEvent = { id, name, attempt, worker: queue < 0 ? undefined : queue, error };
    to.publish(event);
  }

  snapshot(queued: number, running: number): TaskStats {
    const { completed, failed, timedOut, aborted, died, retried, recalled, late } = this;
    return {
      queued,
      running,
      completed,
      failed,
      timedOut,
      aborted,
      died,
      retried,
      recalled,
      late,
      waitTime: this.wait.summary(),
      runTime: this.run.summary(),
    };
  }
}
