import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { MemberSpec } from '../../src/index.js';
import { fixture, member, stopPoolsAfterEach, watch } from '../support.js';

stopPoolsAfterEach();

interface Arrival {
  readonly at: string;
  readonly from: string;
  readonly i: number;
  readonly size: number;
  readonly equal: boolean;
  readonly incarnation: number;
}

const workers = (count: number, data: unknown = {}, more: Partial<MemberSpec> = {}) =>
  Array.from({ length: count }, (_, i) => member(`worker ${i}`, { entry: fixture('bus'), data, ...more }));

test('G22 256 random messages of 8 KiB to 1 MiB, sent from worker 0 to worker 1, arrive complete, equal and in order', async () => {
  const sizes = Array.from({ length: 256 }, () => 8_192 + Math.floor(Math.random() * (1_048_576 - 8_192)));
  const { pool, messages } = watch(workers(2, { sizes }), { bus: true });
  await pool.start();
  pool.members[0]?.send({ send: true, to: 'worker 1' });
  await until('all of them', () => messages.length === sizes.length, { deadlineMs: 50_000 });
  expect(messages).toEqual(
    sizes.map((size, i) => ({ at: 'worker 1', from: 'worker 0', i, size, equal: true, incarnation: 1 })),
  );
});

test('any member reaches any other, and itself, in order', async () => {
  const sizes = [1, 70_000, 3, 200_000, 5];
  const { pool, messages } = watch(workers(3, { sizes }), { bus: true });
  await pool.start();
  for (const from of pool.members) for (const to of pool.members) from.send({ send: true, to: to.name });
  await until('all of them', () => messages.length === 9 * sizes.length);
  for (const from of pool.members) {
    for (const to of pool.members) {
      const between = (messages as Arrival[]).filter((one) => one.at === to.name && one.from === from.name);
      expect(between.map(({ i, equal }) => [i, equal])).toEqual(sizes.map((_, i) => [i, true]));
    }
  }
});

test('a message for nobody is told to its sender', async () => {
  const { pool, messages } = watch(workers(1, { sizes: [1] }), { bus: true });
  await pool.start();
  pool.members[0]?.send({ send: true, to: 'worker 9' });
  await until('word', () => messages.length === 1);
  expect(messages).toEqual([{ undelivered: 'worker 9' }]);
});

test('a name that no member can have is refused when it is sent to', async () => {
  const { pool, messages } = watch(workers(1), { bus: true });
  await pool.start();
  pool.members[0]?.send({ tooLong: true, to: 'x'.repeat(70_000) });
  await until('word', () => messages.length === 1);
  expect(messages).toEqual([{ code: 'ERR_MILLRACE_POOL_ARGUMENT', limit: expect.any(Number) }]);
});

test('handlers of the bus are added: each is called, in the order in which they were', async () => {
  const { pool, messages } = watch(workers(1, { sizes: [1], twice: true }), { bus: true });
  await pool.start();
  const [member] = pool.members;
  member?.send({ send: true, to: 'worker 9' });
  await until('both of an undelivered one', () => messages.length === 2);
  member?.send({ send: true, to: 'worker 0' });
  await until('both of a message', () => messages.length === 4);
  expect(messages).toEqual([
    { undelivered: 'worker 9' },
    { 'undelivered, too': 'worker 9' },
    expect.objectContaining({ from: 'worker 0', i: 0 }),
    { 'heard, too': 0 },
  ]);
});

test('what a stopped member had not read is read by its replacement, nothing twice', async () => {
  const sizes = Array.from({ length: 300 }, (_, i) => 100 + i);
  const { pool, messages, ready } = watch(workers(2, { sizes }), { bus: true });
  await pool.start();
  const [sender, reader] = pool.members;
  reader?.kill('SIGSTOP');
  sender?.send({ send: true, to: 'worker 1' });
  reader?.kill('SIGKILL');
  await until('the replacement', () => ready.length === 3);
  await until('all of them', () => messages.length === sizes.length);
  expect((messages as Arrival[]).map(({ i, equal, incarnation }) => [i, equal, incarnation])).toEqual(
    sizes.map((_, i) => [i, true, 2]),
  );
});

test('messages pass through a reload: none is lost, none comes twice, all in order', async () => {
  const { pool, messages } = watch(workers(2), { bus: true });
  await pool.start();
  const count = 1_000;
  pool.members[0]?.send({ slowly: count, to: 'worker 1' });
  await until('the first', () => messages.length > 10);
  expect(await pool.reload({ members: pool.members.slice(1) })).toMatchObject({ outcome: 'reloaded' });
  await until('the last', () => messages.length === count);
  const arrivals = messages as Arrival[];
  expect(arrivals.map(({ i }) => i)).toEqual(Array.from({ length: count }, (_, i) => i));
  expect(new Set(arrivals.map(({ incarnation }) => incarnation))).toEqual(new Set([1, 2]));
});

test('a member that does not read holds back those who send to it, and the others of the pool work on', async () => {
  const sizes = Array.from({ length: 40 }, () => 1_000_000);
  const { pool, messages } = watch(workers(3, { sizes }), { bus: true });
  await pool.start();
  const [sender, stopped] = pool.members;
  stopped?.kill('SIGSTOP');
  const before = process.memoryUsage().rss;
  sender?.send({ send: true, to: 'worker 1' });
  // Meanwhile two others talk.
  pool.members[2]?.send({ send: true, to: 'worker 2' });
  await until('the talk of the others', () => messages.length === sizes.length);
  expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  stopped?.kill('SIGCONT');
  await until('everything', () => messages.length === 2 * sizes.length);
  expect((messages as Arrival[]).every(({ equal }) => equal)).toBe(true);
});
