import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PosixQueue, SystemVQueue } from '@millrace/msg-queue';
import { isRunning, until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { createServer, type ServerOptions } from '../../src/index.js';
import { launch } from '../support.js';
import { posted, queueOf, scratch, start, undo } from './queues.js';

const noted = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);

describe.each(['posix-queue', 'system-v-queue'] as const)('a server with tasks in a %s', (transport) => {
  test('G34 runs what another program puts into the queue, before the start and after, and is the only one there', async () => {
    const queue = queueOf(transport);
    queue.open();
    const taskTmpdir = scratch();
    const file = join(scratch(), 'noted');
    const script = new URL('../../../../packages/task-pool/test/fixtures/post.py', import.meta.url).pathname;
    const post = () => execFileSync('python3', [script, ...queue.address, taskTmpdir]);
    const tasks = [
      { what: 'object', text: '{"list":[1,2],"ok":true}' },
      { what: 'object', text: JSON.stringify({ large: 'y'.repeat(32_768) }) },
      { what: 'string', text: 'z'.repeat(512) },
    ];
    const options = { ...queue.options, taskTmpdir };
    post();
    const { program, send, lines, stats } = await start(options, { MILLRACE_TEST_FILE: file });
    await until('three tasks', () => noted(file).length === 3);
    post();
    await until('three more', () => noted(file).length === 6);
    expect(noted(file).map((line) => JSON.parse(line))).toEqual([...tasks, ...tasks]);
    // What was no task came last each time.
    await until('what is none to be counted', async () => (await stats()).taskGarbageCount === 2);
    expect(await stats()).toMatchObject({ taskQueueNum: 0, taskQueueBytes: 0, taskOrphanFailedCount: 0 });
    expect(program.output).toMatch(/A message of 14 bytes in the queue '.*' is no task/);

    const another = launch('tasks', options);
    undo.push(() => another[Symbol.asyncDispose]());
    await another.ended();
    expect(another.output).toContain('ERR_MILLRACE_TASK_QUEUE');

    send({ name: 'echo', value: 'its own' });
    expect(await lines(1)).toEqual(['result "its own"']);
    program.kill('SIGTERM');
    await program.ended();
    expect(readdirSync(taskTmpdir)).toEqual([]);
  });

  test('what others post goes wrong without harm: unknown tasks, tasks that throw, files that are not theirs', async () => {
    const queue = queueOf(transport);
    const posting = queue.open();
    const secret = join(scratch(), 'secret');
    writeFileSync(secret, 'x');
    const stolen = posted('note', secret);
    stolen[1] = 2 | 4; // TEXT, SPILLED
    const { program, send, lines, stats } = await start({ ...queue.options, taskTmpdir: scratch() });
    for (const message of [posted('no such', ''), posted('fail', ''), stolen]) posting.trySend(message);
    await until('all three', async () => {
      const { taskOrphanFailedCount, taskGarbageCount } = await stats();
      return taskOrphanFailedCount === 2 && taskGarbageCount === 1;
    });
    expect(program.output).toContain("There is no task named 'no such'");
    expect(program.output).toContain('as asked');
    expect(readFileSync(secret, 'utf8')).toBe('x');
    send({ name: 'pid' });
    expect(await lines(1)).toHaveLength(1);
  });

  test('tasks that a killed server has left in the queue are run by the next, once', async () => {
    const { options } = queueOf(transport);
    const taskTmpdir = scratch();
    const directory = scratch();
    const [gate, small, large] = ['open', 'small', 'large'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    const topology = { ...options, taskTmpdir, taskWorkerNum: 2 };
    const first = await start(topology);
    // A task worker that is busy takes nothing from the queue.
    for (const worker of [0, 1]) await first.hold(worker, gate);
    first.send({ name: 'note', value: small });
    first.send({ name: 'noteMuch', value: { file: large, padding: 'x'.repeat(20_000) } });
    await until('both to be in the queue', async () => (await first.stats()).taskQueueNum === 2);
    const pids = first.program.children().map(({ pid }) => pid);
    first.program.kill('SIGKILL');
    await until('nothing of it', () => !pids.some(isRunning));
    expect([existsSync(small), existsSync(large)]).toEqual([false, false]);

    const second = await start(topology);
    await until('both tasks', () => existsSync(small) && existsSync(large));
    second.send({ name: 'echo', value: 1 });
    expect(await second.lines(1)).toEqual(['result 1']);
    second.program.kill('SIGTERM');
    await second.program.ended();
    expect([readFileSync(small, 'utf8'), readFileSync(large, 'utf8')]).toEqual(['x', 'x']);
    expect(readdirSync(taskTmpdir)).toEqual([]);
  });

  test('a full queue holds tasks back and loses none, nor does a reload', async () => {
    const queue = queueOf(transport);
    const posting = queue.open();
    const directory = scratch();
    const [gate, file] = ['open', 'noted'].map((name) => join(directory, name)) as [string, string];
    const { program, send, lines, stats, hold } = await start(
      { ...queue.options, taskWorkerNum: 2 },
      { MILLRACE_TEST_FILE: file },
    );
    for (const worker of [0, 1]) await hold(worker, gate);
    let others = 0;
    for (const padding of [1_500, 0])
      while (posting.trySend(posted('external', `${others}`, padding)) === 'sent') others++;
    for (let i = 0; i < 20; i++) send({ name: 'echo', value: i });
    await until('them to wait', async () => (await stats()).taskingNum === 20);
    program.kill('SIGUSR2');
    await program.printed(/reloading 2 processes/);
    writeFileSync(gate, '');
    const answers = await lines(22);
    expect(answers.filter((line) => line === 'result "let go"')).toHaveLength(2);
    for (let i = 0; i < 20; i++) expect(answers).toContain(`result ${i}`);
    await program.printed(/reload: reloaded/);
    await until('the tasks of others', () => noted(file).length === others);
  });

  test('the death of a task worker is told to whoever waits, and costs no other task; what is too many is refused', async () => {
    const { options } = queueOf(transport);
    const gate = join(scratch(), 'open');
    const { send, lines, hold } = await start({ ...options, taskMaxQueue: 3, maxTaskWorkerNum: 1 });
    await hold(0, gate);
    // One for each task worker that there may be is in the queue, three wait in the worker.
    send({ name: 'die' });
    for (let i = 0; i < 5; i++) send({ name: 'echo', value: i });
    for (const line of await lines(2)) expect(line).toContain('ERR_MILLRACE_TASK_QUEUE_FULL');
    writeFileSync(gate, '');
    const [held, died, ...others] = await lines(5);
    expect(held).toBe('result "let go"');
    expect(died).toContain('ERR_MILLRACE_TASK_WORKER_DIED');
    expect(others).toEqual([0, 1, 2].map((i) => `result ${i}`));
  });
});

test('a System V queue that somebody removes is made anew, and what was in it is run', async () => {
  const queue = queueOf('system-v-queue');
  const gate = join(scratch(), 'open');
  const { send, lines, stats, hold } = await start(queue.options);
  await hold(0, gate);
  send({ name: 'echo', value: 'was in it' });
  await until('it to be in the queue', async () => (await stats()).taskQueueNum === 1);
  SystemVQueue.free(Number(queue.address[1]));
  writeFileSync(gate, '');
  expect((await lines(2)).sort()).toEqual(['result "let go"', 'result "was in it"']);
});

test('a queue that cannot carry tasks is an error of the start that says so', async () => {
  const { options, address } = queueOf('posix-queue');
  PosixQueue.unlink(address[1] as string);
  PosixQueue.create(address[1] as string, { messageSize: 100 }).close();
  const program = launch('tasks', options);
  undo.push(() => program[Symbol.asyncDispose]());
  await program.ended();
  expect(program.output).toContain('ERR_MILLRACE_TASK_QUEUE');
  expect(program.output).toContain('takes messages of 100 bytes, tasks need 512');
});

test.each<[Partial<ServerOptions>, RegExp]>([
  [{ taskTransport: 'system-v-queue' }, /'system-v-queue' needs 'taskQueueKey'/],
  [
    { taskTransport: 'posix-queue', taskQueueKey: 7 },
    /'taskQueueKey' cannot be 7: it is for .*'system-v-queue'/,
  ],
  [{ taskQueueName: '/tasks' }, /'taskQueueName' cannot be "\/tasks": it is for .*'posix-queue', not 'ring'/],
  [
    { taskTransport: 'posix-queue', taskQueueName: 'tasks' },
    /'taskQueueName' cannot be "tasks": a slash and/,
  ],
  [{ taskTransport: 'system-v-queue', taskQueueKey: 0 }, /'taskQueueKey' cannot be 0: other than 0/],
  [{ taskTransport: 'system-v-queue', taskQueueKey: 2 ** 32 }, /'taskQueueKey' cannot be 4294967296/],
])('the options %j are refused with a reason', (options, reason) => {
  expect(() => createServer({ port: 0, taskWorkerNum: 1, ...options })).toThrow(reason);
});
