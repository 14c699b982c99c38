import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { QueuedTask, TaskQueue } from '../../src/queue/task-queue.js';
import { QueueConsumer } from '../../src/runner/queue-consumer.js';
import type { TaskRunner } from '../../src/runner/task-runner.js';
import type { TaskMessage } from '../../src/wire/task-message.js';

/** A runner with one place, and a queue that is as long as the test says. */
function parts() {
  let full: () => void = () => {};
  let freed: (() => void)[] = [];
  const queued: QueuedTask[] = [];
  const taken: TaskMessage[] = [];
  let waits: ((task: QueuedTask) => void)[] = [];
  const runner = {
    hasCapacity: true,
    async capacity() {
      while (!runner.hasCapacity) await new Promise<void>((resolve) => freed.push(resolve));
    },
    onFull: (listener: () => void) => {
      full = listener;
    },
    take: (_source: number, message: TaskMessage) => taken.push(message),
  };
  const queue = {
    tryTake: () => queued.shift(),
    take: (signal: AbortSignal) =>
      new Promise<QueuedTask>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        waits.push(resolve);
      }),
  };
  const task = () => ({ source: 0, message: {} as TaskMessage });
  return {
    taken,
    consumer: new QueueConsumer(queue as unknown as TaskQueue, runner as unknown as TaskRunner, (error) => {
      throw error;
    }),
    /** A task comes by another way, and has the only place. */
    occupy() {
      runner.hasCapacity = false;
      full();
    },
    free() {
      runner.hasCapacity = true;
      for (const resolve of freed.splice(0)) resolve();
      freed = [];
    },
    /** Somebody posts a task: it goes to whoever waits, or stays in the queue. */
    post() {
      const [wait] = waits.splice(0);
      waits = [];
      if (wait) wait(task());
      else queued.push(task());
    },
    queued,
    get waiting() {
      return waits.length;
    },
  };
}

const turns = async () => {
  for (let i = 0; i < 5; i++) await turn();
};

test('a place that somebody else got meanwhile is no place: the task stays in the queue for another worker', async () => {
  const { consumer, taken, queued, occupy, free, post } = parts();
  post();
  consumer.start();
  // After it has heard of the place, and before it has looked into the queue.
  occupy();
  await turns();
  expect([taken.length, queued.length]).toEqual([0, 1]);
  free();
  await turns();
  expect([taken.length, queued.length]).toEqual([1, 0]);
});

test('nor does it begin to wait for a task that it would have no place for', async () => {
  const made = parts();
  made.consumer.start();
  made.occupy();
  await turns();
  expect(made.waiting).toBe(0);
  made.free();
  await turns();
  expect(made.waiting).toBe(1);
  await made.consumer.stop();
});
