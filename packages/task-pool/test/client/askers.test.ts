import { createMemoryPair, type TransportChannel } from '@millrace/channel';
import { within } from '@millrace/testkit';
import { afterEach, expect, test } from 'vitest';
import {
  TaskBoard,
  TaskClient,
  type TaskClientOptions,
  type TaskHandler,
  type TaskMessage,
  TaskRunner,
  taskCodec,
} from '../../src/internal.js';

const channels: { destroy(): void }[] = [];
const clients: TaskClient[] = [];
afterEach(() => {
  // A client polls its channels while tasks are pending: it is closed before them.
  for (const client of clients.splice(0)) client.close();
  for (const channel of channels.splice(0)) channel.destroy();
});

/** Several askers and task workers, with a channel between each two and one board for all. */
function setUp(askers: number, workers: number, handlers: Record<string, TaskHandler>) {
  const board = new TaskBoard(new ArrayBuffer(TaskBoard.bytes(askers, workers)), workers);
  const pairs = Array.from({ length: askers }, () =>
    Array.from({ length: workers }, () => createMemoryPair<TaskMessage>(taskCodec)),
  );
  channels.push(...pairs.flat(2));
  /** The end of an asker, or of a worker. */
  const end = (asker: number, worker: number, side: 0 | 1) =>
    pairs[asker]?.[worker]?.[side] as TransportChannel<TaskMessage>;
  const ran: string[] = [];
  const startRunner = (worker: number) => {
    const runner = new TaskRunner({
      channels: Array.from({ length: askers }, (_, asker) => end(asker, worker, 1)),
      handler: (name) => (value, context) => {
        ran.push(`${name} ${value} on ${worker} for ${context.source}`);
        return handlers[name]?.(value, context);
      },
      onUnsendable: () => {},
      onLoad: (tasks) => board.setLoad(worker, tasks),
      claims: { tables: Array.from({ length: askers }, (_, asker) => board.claims(asker)), worker, workers },
    });
    runner.start();
    return runner;
  };
  const startAsker = (asker: number, incarnation = 1, options: Partial<TaskClientOptions> = {}) => {
    const client = new TaskClient({
      links: Array.from({ length: workers }, (_, worker) => ({ channel: end(asker, worker, 0) })),
      incarnation,
      claims: board.claims(asker),
      load: (worker) => board.load(worker),
      ...options,
    });
    clients.push(client);
    for (let worker = 0; worker < workers; worker++) client.workerReady(worker);
    return client;
  };
  return { board, ran, startRunner, startAsker };
}

/** A handler that waits until it is let go. */
function gate() {
  let open: () => void = () => {};
  let begin: () => void = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const handler: TaskHandler = async () => {
    begin();
    await opened;
    return 'slow';
  };
  return { handler, begun, open };
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

test('two askers use the same workers, and each gets its own answers', async () => {
  const { startRunner, startAsker } = setUp(2, 2, { echo: (value) => value });
  for (const worker of [0, 1]) startRunner(worker);
  const askers = [startAsker(0), startAsker(1)];
  const asked = askers.flatMap((client, asker) =>
    Array.from({ length: 500 }, (_, i) => client.run('echo', `${asker} ${i}`)),
  );
  const expected = askers.flatMap((_, asker) => Array.from({ length: 500 }, (_, i) => `${asker} ${i}`));
  expect(await within('the answers', Promise.all(asked))).toEqual(expected);
});

test("an asker gives its task to another worker than the one that runs somebody else's", async () => {
  const slow = gate();
  const { startRunner, startAsker, ran } = setUp(2, 2, { slow: slow.handler, quick: (value) => value });
  for (const worker of [0, 1]) startRunner(worker);
  const [first, second] = [startAsker(0), startAsker(1)];
  const running = first.run('slow', 0);
  await slow.begun;
  expect(await second.run('quick', 1)).toBe(1);
  expect(ran).toEqual(['slow 0 on 0 for 0', 'quick 1 on 1 for 1']);
  expect(second.stats().recalled).toBe(0);
  slow.open();
  expect(await running).toBe('slow');
});

test("a task that has come to lie behind another asker's slow one is run elsewhere", async () => {
  const slow = gate();
  const { board, startRunner, startAsker } = setUp(2, 2, { slow: slow.handler, quick: (value) => value });
  for (const worker of [0, 1]) startRunner(worker);
  const running = startAsker(0).run('slow', 0);
  await slow.begun;
  // As one that has looked just before the other's task was begun.
  let looks = 0;
  const load = (worker: number) => (looks++ === 0 ? 0 : board.load(worker));
  const second = startAsker(1, 1, { load });
  expect(await within('the quick task', second.run('quick', 1))).toBe(1);
  expect(second.stats().recalled).toBe(1);
  slow.open();
  expect(await running).toBe('slow');
});

test('what a dead asker had sent is run once, and its successor hears of its own tasks only', async () => {
  const { startRunner, startAsker, ran } = setUp(1, 1, { note: (value) => value });
  const dead = startAsker(0, 1);
  for (let i = 0; i < 3; i++) dead.post('note', `old ${i}`, { worker: 0 });
  const successor = startAsker(0, 2);
  const own = Array.from({ length: 200 }, (_, i) => successor.run('note', `new ${i}`));
  startRunner(0);
  expect(await within('the answers', Promise.all(own))).toHaveLength(200);
  // An asker sends one task of a name that it does not know yet.
  expect(ran.slice(0, 2)).toEqual(['note old 0 on 0 for 0', 'note new 0 on 0 for 0']);
  expect(ran).toHaveLength(201);
  expect(successor.stats()).toMatchObject({ late: 1, completed: 200 });
});

test('slots of a dead asker come back, though the task of one was never sent', async () => {
  const { board, startRunner, startAsker } = setUp(1, 1, { note: (value) => value });
  // It died between the offer and the message.
  for (const slot of [0, 5, 79]) board.claims(0).offer(slot);
  const successor = startAsker(0, 2);
  startRunner(0);
  await successor.run('note', 0);
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => successor.run('note', i)));
  expect(successor.stats()).toMatchObject({ completed: 1_001, running: 0, queued: 0 });
});

test('a task that a worker had read and not begun when it ended is run by the next', async () => {
  const slow = gate();
  const { startRunner, startAsker, ran } = setUp(2, 1, { slow: slow.handler, note: (value) => value });
  const runner = startRunner(0);
  const [first, second] = [startAsker(0), startAsker(1)];
  const running = first.run('slow', 0);
  await slow.begun;
  const waiting = second.run('note', 1);
  await turns(5);
  const stopped = runner.stop();
  slow.open();
  await within('the stop', stopped);
  expect(await running).toBe('slow');
  expect(ran).toHaveLength(1);
  startRunner(0);
  second.workerReady(0);
  expect(await within('the task', waiting)).toBe(1);
});

test('a task sent to a worker that has stopped is sent to its successor once more', async () => {
  const { startRunner, startAsker, ran } = setUp(2, 1, { note: (value) => value });
  const runner = startRunner(0);
  const first = startAsker(0);
  await runner.stop();
  await turns(2);
  // A successor of `first` that has come too late to hear that the worker ends.
  const second = startAsker(0, 2);
  const waiting = second.run('note', 1);
  await turns(5);
  expect(ran).toEqual([]);
  startRunner(0);
  second.workerReady(0);
  expect(await within('the task', waiting)).toBe(1);
  first.close();
});
