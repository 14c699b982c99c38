import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ChannelOptions, Codec } from '@millrace/channel';
import { channelContract } from '@millrace/channel/contract';
import { openDescriptors, until, within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { ringFromParent, type SpawnWithRingOptions, spawnWithRing, threadWithRing } from '../../src/index.js';
import { closeRingEnd, createRingLink, openRingEnd } from '../../src/ring.js';
import type { Ask } from './fixtures/ring-answer.js';

function linked<A, B>(codec: () => Codec<A, B>, options: ChannelOptions, capacity: number, spin = 0) {
  const link = createRingLink({ capacity });
  return {
    left: openRingEnd(link.left, { codec: codec(), spin, ...options }),
    right: openRingEnd(link.right, { codec: codec(), spin, ...options }),
    dispose() {},
  };
}

channelContract('a link of two small rings', {
  endsWithPeer: true,
  create: (codec, options) => linked(codec, options, 4_096),
});

channelContract('a link whose ends spin', {
  endsWithPeer: true,
  create: (codec, options) => linked(codec, options, 1 << 20, 50),
});

const ANSWER = new URL('../../dist-test/ring/fixtures/ring-answer.js', import.meta.url);
const spawnAnswer = (options?: SpawnWithRingOptions<Ask, unknown>) =>
  spawnWithRing<Ask, unknown>(ANSWER, options);

test('a child is started with rings, whose messages may be sent before it runs', async () => {
  const before = openDescriptors('self');
  const child = spawnAnswer();
  child.ring.send('who');
  expect(await child.ring.receive()).toEqual({ pid: child.pid, isMainThread: true });
  child.ring.send('twice');
  expect(await child.ring.receive()).toBe('ERR_MILLRACE_RING_NO_PARENT');
  const exited = once(child, 'exit');
  await child.ring.close();
  expect(await within('the exit of the child', exited)).toEqual([0, null]);
  await until('the descriptors to be closed', () => openDescriptors('self') <= before);
});

test('a worker thread is started with rings, and ends when this side closes them', async () => {
  const before = openDescriptors('self');
  const worker = threadWithRing<Ask, unknown>(ANSWER, { spin: 20, worker: { env: { SPIN: '20' } } });
  worker.ring.send('who');
  expect(await worker.ring.receive()).toEqual({ pid: process.pid, isMainThread: false });
  const exited = once(worker, 'exit');
  await worker.ring.close();
  expect(await within('the end of the thread', exited)).toEqual([0]);
  await until('the descriptors to be closed', () => openDescriptors('self') <= before);
});

test('what a thread that was terminated had sent arrives, and then the end', async () => {
  for (const end of ['terminate', 'close'] as const) {
    const worker = threadWithRing<Ask, unknown>(ANSWER);
    worker.ring.send({ echo: 'the last' });
    expect(await worker.ring.receive()).toBe('the last');
    if (end === 'close') worker.ring.send('close');
    else await worker.terminate();
    expect(await within('the end of the channel', worker.ring.receive())).toBeUndefined();
    await worker.terminate();
  }
});

test('the death of a child ends the channel after what it had sent', async () => {
  const child = spawnAnswer();
  for (let i = 0; i < 100; i++) child.ring.send({ echo: i });
  child.ring.send('die');
  const seen: unknown[] = [];
  for await (const value of child.ring) seen.push(value);
  // A message is in the ring as soon as it is sent: none waits for a flush.
  expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test('a writer whose reader has died learns of it, however full the ring is', async () => {
  const child = spawnAnswer({ capacity: 4_096, highWaterMark: 10_000 });
  child.ring.send('die');
  while (child.ring.send({ echo: 'x'.repeat(1_000) }));
  const closed = new Promise((resolve) => child.ring.on('close', () => resolve('closed')));
  // Either the drain or the end comes first.
  await within(
    'the end of the wait',
    child.ring.drained().catch(() => {}),
  );
  expect(await within('the end of the channel', closed)).toBe('closed');
});

test('a child that cannot be started ends its rings', async () => {
  const child = spawnAnswer({ spawn: { cwd: '/proc/nonexistent' } });
  await once(child, 'error');
  expect(await within('the end of the channel', child.ring.receive())).toBeUndefined();
});

test('a process without rings is told so; an impossible capacity leaves nothing open', () => {
  expect(() => ringFromParent()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_RING_NO_PARENT' }));
  const before = openDescriptors('self');
  expect(() => createRingLink({ capacity: 5_000 })).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_RING_SIZE' }),
  );
  expect(openDescriptors('self')).toBe(before);
});

test('G22 256 random messages of 8 KiB to 1 MiB to another process arrive complete, bytewise equal and in order', async () => {
  const child = spawnAnswer({ capacity: 1 << 18 });
  const sent = Array.from({ length: 256 }, () =>
    randomBytes(8_192 + Math.floor(Math.random() * (1_048_576 - 8_192 + 1))),
  );
  const sending = (async () => {
    for (const message of sent)
      if (!child.ring.send({ echo: message })) await child.ring.drained({ timeout: 60_000 });
  })();
  for (const message of sent) {
    const got = (await child.ring.receive({ timeout: 60_000 })) as Buffer;
    expect(got.equals(message)).toBe(true);
  }
  await sending;
  await child.ring.close();
});

test('an end that is given up unopened ends the other', async () => {
  const { left, right } = createRingLink();
  const channel = openRingEnd(left);
  closeRingEnd(right);
  expect(await within('the end', channel.receive())).toBeUndefined();
});
