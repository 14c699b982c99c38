import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until, within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { Member, ProcessPool } from '../../src/index.js';
import { fixture, member, stopPoolsAfterEach, watch } from '../support.js';

stopPoolsAfterEach();

const listen = { host: '127.0.0.1', port: 0 };
const worker = (behave = 'serve', name = 'worker') =>
  member(name, { entry: fixture('worker'), data: { behave } });

/** Sends bytes and returns all that comes back until the connection ends. */
function exchange(pool: ProcessPool, bytes: Buffer, { end = false } = {}): Promise<Buffer> {
  const socket = connect(pool.address as { host: string; port: number });
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  const over = new Promise<Buffer>((resolve) => {
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(parts)));
  });
  socket.write(bytes);
  if (end) socket.end();
  return within('the end of a connection', over);
}

function frame(text: string): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([header, Buffer.from(text)]);
}

test('G20 a length and a body make one message of exactly the body, three writes one frame of their concatenation, and what the worker sent to itself at its start comes first', async () => {
  const { pool, messages } = watch([worker('self')], { listen, bus: true });
  const started = pool.start();
  // A client is there before the worker is.
  const answer = await exchange(pool, frame('three'));
  await started;
  expect(answer).toEqual(frame('one, two, three'));
  expect(messages).toEqual([
    { event: 'workerStart', running: true },
    { event: 'message', text: 'from myself', from: 'worker' },
    { event: 'message', text: 'three', from: null },
  ]);
});

test('G21 a worker that asks for shutdown: start, workerStart, shutdown before it has ended, its callback finishes, workerStop', async () => {
  const order: unknown[] = [];
  const { pool } = watch(
    [worker('shutdown')],
    {},
    {
      onStart: () => order.push(['start', pool.running]),
      onMessage: (_member, message) => order.push(message),
      onShutdown: () => order.push(['shutdown', pool.running, (pool.members[0] as Member).pid !== undefined]),
      onExit: (_member, { code }) => order.push(['exit', code]),
    },
  );
  await expect(pool.start()).rejects.toMatchObject({ code: 'ERR_MILLRACE_POOL_STOPPED' });
  await until('the end', () => pool.members.every(({ settled }) => settled));
  expect(order).toEqual([
    ['start', true],
    { event: 'workerStart', running: true },
    ['shutdown', false, true],
    { event: 'callback finished', running: false },
    { event: 'workerStop', running: false },
    ['exit', 0],
  ]);
});

test('requests arrive whole however they are cut, and several clients are served by several workers', async () => {
  const { pool, messages } = watch([worker('serve', 'a'), worker('serve', 'b')], { listen });
  await pool.start();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => exchange(pool, frame(`slow ${i}`))));
  expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => frame(`one, two, slow ${i}`)));
  expect(messages).toHaveLength(22);
  const socket = connect(pool.address as { host: string; port: number });
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  const over = new Promise((resolve) => socket.on('close', resolve));
  for (const byte of frame('bytes')) {
    socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await within('the answer', over);
  expect(Buffer.concat(parts)).toEqual(frame('one, two, bytes'));
});

test('a handler that writes nothing, or fails, has its client’s connection end without an answer, and the worker goes on', async () => {
  const { pool } = watch([worker()], { listen });
  await pool.start();
  const { pid } = pool.members[0] as Member;
  expect(await exchange(pool, frame('nothing'))).toHaveLength(0);
  expect(await exchange(pool, frame('fail'))).toHaveLength(0);
  expect(await exchange(pool, frame('still there'))).toEqual(frame('one, two, still there'));
  expect(pool.members[0]?.pid).toBe(pid);
});

test('clients that ask for too much, send half of it, or nothing, are cut off and hold nobody up', async () => {
  const { pool, messages } = watch([worker()], { listen });
  await pool.start();
  const tooLong = Buffer.alloc(4);
  tooLong.writeUInt32BE(1_000_001);
  const [large, half, silent, gone, good] = await Promise.all([
    exchange(pool, tooLong),
    exchange(pool, frame('half of this').subarray(0, 9)),
    exchange(pool, Buffer.alloc(0)),
    exchange(pool, frame('gone').subarray(0, 5), { end: true }),
    exchange(pool, frame('good')),
  ]);
  expect([large, half, silent, gone].map((one) => one.length)).toEqual([0, 0, 0, 0]);
  expect(good).toEqual(frame('one, two, good'));
  expect(messages.filter((one) => (one as { event: string }).event === 'message')).toHaveLength(1);
});

test('a large answer arrives although the worker is told to stop meanwhile', async () => {
  const { pool, messages } = watch([worker()], { listen });
  await pool.start();
  const answer = exchange(pool, frame('large'));
  await until('the request', () => messages.length === 2);
  await pool.stop();
  expect((await answer).length).toBe(20_000_004);
});

test('a killed worker’s clients that wait in the backlog are served by its replacement', async () => {
  const { pool } = watch([worker()], { listen });
  await pool.start();
  const [one] = pool.members as [Member];
  one.kill('SIGSTOP');
  const answers = [1, 2, 3].map((i) => exchange(pool, frame(`client ${i}`)));
  one.kill('SIGKILL');
  expect(await Promise.all(answers)).toEqual([1, 2, 3].map((i) => frame(`one, two, client ${i}`)));
});

test('it listens on a path as well, and leaves no file', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-pool-'));
  const path = join(directory, 'socket');
  const { pool } = watch([worker()], { listen: { path } });
  await pool.start();
  expect(pool.address).toEqual({ path });
  const socket = connect(path);
  socket.write(frame('path'));
  const [answer] = await within(
    'the answer',
    new Promise<[Buffer]>((resolve) => socket.once('data', (data) => resolve([data as Buffer]))),
  );
  expect(answer).toEqual(frame('one, two, path'));
  await pool.stop();
  expect(existsSync(path)).toBe(false);
  rmSync(directory, { recursive: true });
});
