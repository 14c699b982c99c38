import { createMemoryPair, type TransportChannel } from '@millrace/channel';
import { within } from '@millrace/testkit';
import { afterEach, expect, expectTypeOf, test } from 'vitest';
import { defineTasks, type TaskResult, type TaskValue } from '../../src/index.js';
import {
  TaskBoard,
  TaskClient,
  type TaskClientOptions,
  type TaskHandler,
  TaskMessage,
  TaskRunner,
  taskCodec,
} from '../../src/internal.js';

interface Setup {
  readonly client: TaskClient;
  readonly runners: TaskRunner[];
  readonly workerEnds: TransportChannel<TaskMessage>[];
}

const channels: { destroy(): void }[] = [];
afterEach(() => {
  for (const channel of channels.splice(0)) channel.destroy();
});

function setUp(
  handlers: Record<string, TaskHandler>,
  workers = 1,
  options: Partial<TaskClientOptions> = {},
): Setup {
  const board = new TaskBoard(new ArrayBuffer(TaskBoard.bytes(1, workers)), workers);
  const runners: TaskRunner[] = [];
  const workerEnds: Setup['workerEnds'] = [];
  const links = Array.from({ length: workers }, (_, worker) => {
    const pair = createMemoryPair<TaskMessage>(taskCodec);
    channels.push(...pair);
    const runner = new TaskRunner({
      channels: [pair[1]],
      handler: (name) => handlers[name],
      onUnsendable: () => {},
      claims: { tables: [board.claims(0)], worker, workers },
    });
    runner.start();
    runners.push(runner);
    workerEnds.push(pair[1]);
    return { channel: pair[0] };
  });
  const client = new TaskClient({ links, incarnation: 1, claims: board.claims(0), ...options });
  for (let worker = 0; worker < workers; worker++) client.workerReady(worker);
  return { client, runners, workerEnds };
}

/** A handler that waits until it is let go, and says when it has begun. */
function gate() {
  let open: (value: unknown) => void = () => {};
  let begin: () => void = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const opened = new Promise((resolve) => {
    open = resolve;
  });
  const handler: TaskHandler = () => {
    begin();
    return opened;
  };
  return { handler, begun, open };
}

const died = { code: null, signal: 'SIGKILL' } as const;

test('a task gives what its handler returns, also when that is nothing or falsy', async () => {
  const { client } = setUp({ echo: (value) => value, later: async (value) => value });
  for (const value of [{ a: [1, 'two'] }, 0, false, '', null, new Map([[1, 2]])]) {
    expect(await client.run('echo', value)).toEqual(value);
    expect(await client.run('later', value)).toEqual(value);
  }
});

test('an error arrives with its class, message, stack, cause and own properties', async () => {
  const handler = () => {
    throw Object.assign(new TypeError('outer', { cause: new RangeError('inner') }), {
      code: 'E_X',
      details: [1],
    });
  };
  const { client } = setUp({ fail: handler });
  const error = await client.run('fail', 0).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(TypeError);
  expect(error).toMatchObject({ message: 'outer', code: 'E_X', details: [1] });
  expect((error as Error).cause).toBeInstanceOf(RangeError);
  expect((error as Error).stack).toContain('tasks.test.ts');
});

test('what a task throws need not be an error', async () => {
  const { client } = setUp({
    fail: () => {
      throw { reason: 7 };
    },
  });
  await expect(client.run('fail', 0)).rejects.toEqual({ reason: 7 });
});

test('a result that cannot be sent rejects its caller, and the task worker goes on', async () => {
  const { client } = setUp({ bad: () => () => {}, good: () => 'fine' });
  await expect(client.run('bad', 0)).rejects.toMatchObject({
    message: expect.stringContaining('a function'),
  });
  expect(await client.run('good', 0)).toBe('fine');
});

test('a value that cannot be sent rejects its caller alone, with the path of what is wrong', async () => {
  const { client } = setUp({ good: () => 'fine' });
  await expect(client.run('good', { user: { save: () => {} } })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_UNSENDABLE',
    path: expect.stringContaining('user.save'),
  });
  expect(await client.run('good', 0)).toBe('fine');
});

test('an unknown task is a typed error', async () => {
  const { client } = setUp({});
  await expect(client.run('nothing', 0)).rejects.toMatchObject({ code: 'ERR_MILLRACE_UNKNOWN_TASK' });
});

test('no task waits behind a slow one while another worker is free', async () => {
  const slow = gate();
  const { client } = setUp({ slow: slow.handler, quick: (value) => value }, 2);
  const waiting = client.run('slow', 0);
  await slow.begun;
  for (let i = 0; i < 10; i++) expect(await client.run('quick', i)).toBe(i);
  slow.open('done');
  expect(await waiting).toBe('done');
});

test('a task for a chosen worker waits for that one, and does not hold the others up', async () => {
  const slow = gate();
  const { client } = setUp({ slow: slow.handler, quick: (value) => value }, 2);
  const first = client.run('slow', 0, { worker: 0 });
  await slow.begun;
  const second = client.run('quick', 'chosen', { worker: 0 });
  expect(await client.run('quick', 'any')).toBe('any');
  slow.open('done');
  expect(await first).toBe('done');
  expect(await second).toBe('chosen');
  await expect(client.run('quick', 0, { worker: 2 })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_NO_TASK_WORKER',
  });
});

test('a task whose worker died is rejected at once, with how it died', async () => {
  const slow = gate();
  const { client } = setUp({ slow: slow.handler });
  const running = client.run('slow', 0);
  await slow.begun;
  client.workerDied(0, died);
  await expect(running).rejects.toMatchObject({
    code: 'ERR_MILLRACE_TASK_WORKER_DIED',
    signal: 'SIGKILL',
    exitCode: null,
  });
});

test('a task that the dead worker had not begun is run by its replacement', async () => {
  const slow = gate();
  const { client } = setUp({ slow: slow.handler });
  const running = client.run('slow', 0);
  client.workerDied(0, died);
  client.workerReady(0);
  slow.open('by the next one');
  expect(await running).toBe('by the next one');
  expect(client.stats()).toMatchObject({ recalled: 1, died: 0, completed: 1 });
});

test('the answer that a worker sent before it died counts', async () => {
  const { client } = setUp({ quick: () => 'answered' });
  const running = client.run('quick', 0);
  await new Promise(setImmediate);
  client.workerDied(0, died);
  expect(await running).toBe('answered');
});

test('a late answer is dropped and counted, and never answers the next task', async () => {
  const slow = gate();
  const { client } = setUp({ slow: slow.handler, quick: () => 'its own' });
  await expect(client.run('slow', 0, { timeout: 5 })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_TASK_TIMEOUT',
  });
  const next = client.run('quick', 0);
  slow.open('too late');
  expect(await next).toBe('its own');
  expect(client.stats()).toMatchObject({ late: 1, completed: 1, failed: 1, running: 0 });
});

test('an answer to the process that had this place before is dropped', async () => {
  const { client, workerEnds } = setUp({ quick: () => 'mine' });
  workerEnds[0]?.send(
    Object.assign(new TaskMessage(), { kind: 16, incarnation: 77, id: 1, slot: 0, sequence: 1 }),
  );
  expect(await client.run('quick', 0)).toBe('mine');
  expect(client.stats().late).toBe(1);
});

test('a waiting task that is aborted never runs', async () => {
  const slow = gate();
  const ran: unknown[] = [];
  const { client } = setUp({ slow: slow.handler, note: (value) => ran.push(value) });
  const running = client.run('slow', 0);
  await slow.begun;
  const stop = new AbortController();
  const aborted = client.run('note', 'aborted', { signal: stop.signal });
  const kept = client.run('note', 'kept');
  stop.abort(new Error('changed my mind'));
  await expect(aborted).rejects.toThrow('changed my mind');
  await expect(client.run('note', 'never', { signal: stop.signal })).rejects.toThrow('changed my mind');
  slow.open(1);
  await Promise.all([running, kept]);
  expect(ran).toEqual(['kept']);
});

test('beyond its limit the queue refuses, and takes again once there is room', async () => {
  const slow = gate();
  const { client } = setUp({ slow: slow.handler, quick: (value) => value }, 1, { maxQueue: 2 });
  const running = client.run('slow', 0);
  const waiting = [client.run('quick', 1), client.run('quick', 2)];
  await expect(client.run('quick', 3)).rejects.toMatchObject({
    code: 'ERR_MILLRACE_TASK_QUEUE_FULL',
    message: expect.stringContaining('the limit is 2'),
  });
  slow.open(0);
  await Promise.all([running, ...waiting]);
  expect(await client.run('quick', 4)).toBe(4);
});

test('a stopped runner finishes what it has and begins nothing more', async () => {
  const slow = gate();
  const ran: unknown[] = [];
  const { client, runners, workerEnds } = setUp({ slow: slow.handler, note: (value) => ran.push(value) });
  const running = client.run('slow', 0);
  await slow.begun;
  const stopped = (runners[0] as TaskRunner).stop();
  slow.open('finished');
  await within('the stop', stopped);
  expect(await running).toBe('finished');
  const left = client.run('note', 'left');
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  expect(ran).toEqual([]);
  client.close();
  await expect(left).rejects.toMatchObject({ code: 'ERR_MILLRACE_TASK_CLIENT_CLOSED' });
  expect(workerEnds).toHaveLength(1);
});

test('settled waits for the tasks that have no answer yet, and for no others', async () => {
  const slow = gate();
  const { client } = setUp({ slow: slow.handler, fail: () => Promise.reject(new Error('no')) });
  await client.settled();
  const tasks = [client.run('slow', 0), client.run('fail', 0).catch(() => 'failed')];
  let settled = false;
  const wait = client.settled().then(() => {
    settled = true;
  });
  await slow.begun;
  expect(settled).toBe(false);
  slow.open('done');
  await within('the tasks', wait);
  expect(await Promise.all(tasks)).toEqual(['done', 'failed']);
  expect(client.pending).toBe(0);
});

test('types of tasks are inferred from their handlers', () => {
  const tasks = defineTasks({ resize: async (image: Buffer) => ({ width: image.length }), now: () => 1 });
  expectTypeOf<TaskValue<typeof tasks, 'resize'>>().toEqualTypeOf<Buffer>();
  expectTypeOf<TaskResult<typeof tasks, 'resize'>>().toEqualTypeOf<{ width: number }>();
  expectTypeOf<TaskValue<typeof tasks, 'now'>>().toEqualTypeOf<undefined>();
});
