import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { openDescriptors, until, within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import {
  createRedirect,
  pipeFromParent,
  type SpawnWithPipeOptions,
  spawnWithPipe,
  threadWithPipe,
} from '../src/index.js';
import type { Ask } from './fixtures/answer.js';

const ANSWER = new URL('../dist-test/fixtures/answer.js', import.meta.url);
const spawnAnswer = (options?: SpawnWithPipeOptions<Ask, unknown>) =>
  spawnWithPipe<Ask, unknown>(ANSWER, options);

test('a child is started with a pipe, whose messages may be sent before it runs', async () => {
  const child = spawnAnswer();
  child.pipe.send('who');
  expect(await child.pipe.receive()).toEqual({ pid: child.pid, isMainThread: true });
  child.pipe.send('twice');
  expect(await child.pipe.receive()).toBe('ERR_MILLRACE_PIPE_NO_PARENT');
  const exited = once(child, 'exit');
  await child.pipe.close();
  // Nothing keeps it alive but its pipe.
  expect(await within('the exit of the child', exited)).toEqual([0, null]);
});

test('who only listens for the end hears that a child was killed, and is reported the hang-up once', async () => {
  const child = spawnAnswer();
  await once(child, 'spawn');
  const closed = new Promise<void>((resolve) => child.pipe.on('close', () => resolve()));
  child.kill('SIGKILL');
  await within('the end', closed);
  expect(child.pipe.closed).toBe(true);
  // With something that nobody reads, it stays open, and the loop sleeps all the same.
  const other = spawnAnswer();
  other.pipe.send({ echo: 'unread' });
  let ends = 0;
  other.pipe.on('close', () => ends++);
  const exited = once(other, 'exit');
  other.pipe.send('die');
  await within('the exit', exited);
  await until('the end', () => ends === 1);
  expect(other.pipe.closed).toBe(false);
  expect(await other.pipe.receive()).toBe('unread');
  expect(await other.pipe.receive()).toBeUndefined();
  expect(ends).toBe(1);
});

test('a worker thread is started with a pipe, and ends when this side closes it', async () => {
  const before = openDescriptors('self');
  const worker = threadWithPipe<Ask, unknown>(ANSWER);
  worker.pipe.send('who');
  expect(await worker.pipe.receive()).toEqual({ pid: process.pid, isMainThread: false });
  const exited = once(worker, 'exit');
  await worker.pipe.close();
  expect(await within('the end of the thread', exited)).toEqual([0]);
  await until('the descriptors to be closed', () => openDescriptors('self') <= before);
});

test('what a thread that was terminated had sent arrives, and then the end', async () => {
  const worker = threadWithPipe<Ask, unknown>(ANSWER);
  worker.pipe.send({ echo: 'the last' });
  expect(await worker.pipe.receive()).toBe('the last');
  await worker.terminate();
  expect(await within('the end of the pipe', worker.pipe.receive())).toBeUndefined();
  const other = threadWithPipe<Ask, unknown>(ANSWER);
  other.pipe.send('close');
  expect(await within('the end of the pipe', other.pipe.receive())).toBeUndefined();
  await other.terminate();
});

test('the death of a child ends the pipe after what it had sent', async () => {
  const child = spawnAnswer();
  for (let i = 0; i < 100; i++) child.pipe.send({ echo: i });
  child.pipe.send('die');
  const seen: unknown[] = [];
  for await (const value of child.pipe) seen.push(value);
  // It may die before it has flushed the last of them.
  expect(seen).toEqual(Array.from({ length: seen.length }, (_, i) => i));
  expect(child.pipe.closed).toBe(true);
});

test('a child that cannot be started ends its pipe', async () => {
  const child = spawnAnswer({ spawn: { cwd: '/proc/nonexistent' } });
  const [error] = await once(child, 'error');
  expect(error).toMatchObject({ code: 'ENOENT' });
  expect(await within('the end of the pipe', child.pipe.receive())).toBeUndefined();
});

test('a process without a pipe is told so', () => {
  expect(() => pipeFromParent()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_PIPE_NO_PARENT' }));
});

test("a redirected child's output is read here, beside its pipe", async () => {
  const child = spawnAnswer({ redirect: true });
  child.pipe.send('print');
  const [printed] = await once(child.terminal!, 'data');
  expect(String(printed)).toBe('printed\n');
  await child.pipe.close();
  await within('the end of the output', once(child.terminal!, 'end'));
});

test('a program of any kind has its input and its outputs on one stream, which ends with it', async () => {
  const redirect = createRedirect();
  const child = spawn('sh', ['-c', 'read line; echo "got $line"; echo careful >&2; exec cat'], {
    stdio: [...redirect.stdio],
  });
  redirect.close();
  redirect.close();
  let output = '';
  redirect.stream.on('data', (bytes) => {
    output += bytes;
  });
  redirect.stream.write('this\n');
  await until('the outputs', () => output === 'got this\ncareful\n');
  // The shell has replaced itself; the stream has stayed.
  redirect.stream.end('through another program\n');
  const [code] = await within('the exit', once(child, 'exit'));
  expect(code).toBe(0);
  await until('the rest', () => output.endsWith('through another program\n'));
});

test('G22 256 random messages of 8 KiB to 1 MiB to another process arrive complete, bytewise equal and in order', async () => {
  const child = spawnAnswer();
  const sent = Array.from({ length: 256 }, () =>
    randomBytes(8_192 + Math.floor(Math.random() * (1_048_576 - 8_192 + 1))),
  );
  const sending = (async () => {
    for (const message of sent)
      if (!child.pipe.send({ echo: message })) await child.pipe.drained({ timeout: 60_000 });
  })();
  for (const message of sent) {
    const got = (await child.pipe.receive({ timeout: 60_000 })) as Buffer;
    expect(got.equals(message)).toBe(true);
  }
  await sending;
  await child.pipe.close();
});
