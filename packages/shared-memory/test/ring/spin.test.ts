import { bytesCodec } from '@millrace/channel';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { threadWithRing } from '../../src/index.js';
import { SpinBudget } from '../../src/ring/spin-budget.js';
import { createRingLink, openRingEnd } from '../../src/ring.js';
import type { Ask } from './fixtures/ring-answer.js';

test('the time to spin shrinks to nothing while looking is in vain, and grows back while it pays', () => {
  const spin = new SpinBudget(50);
  expect(spin.budget).toBe(50);
  for (let i = 0; i < 10; i++) spin.missed();
  expect(spin.budget).toBe(0);
  // Slept long: spinning would not have helped.
  for (let i = 0; i < 10_000; i++) spin.woken(10_000);
  expect(spin.budget).toBe(0);
  // Woken again and again so soon that looking would have found it.
  for (let i = 0; i < 1_024; i++) spin.woken(20);
  expect(spin.budget).toBe(40);
  for (let i = 0; i < 10; i++) spin.found();
  expect(spin.budget).toBe(50);
});

test('who looks in vain again and again tries less and less often', () => {
  const spin = new SpinBudget(50);
  const triesIn = (wakings: number) => {
    let tries = 0;
    for (let i = 0; i < wakings; i++) {
      if (spin.budget > 0) tries++;
      while (spin.budget > 0) spin.missed();
      spin.woken(20);
    }
    return tries;
  };
  expect(triesIn(1_000)).toBeGreaterThan(3);
  expect(triesIn(10_000)).toBeLessThan(20);
});

test('who loses the processor while it looks leaves it to others for as long as any', () => {
  const spin = new SpinBudget(50);
  spin.preempted();
  for (let i = 0; i < 1_023; i++) spin.woken(20);
  expect(spin.budget).toBe(0);
  spin.woken(20);
  expect(spin.budget).toBe(40);
  spin.found();
  spin.missed();
  expect(spin.budget).toBeGreaterThan(0);
});

test('an end that spins in vain sleeps in the end: idle costs no processor time', async () => {
  const { left, right } = createRingLink();
  const [a, b] = [openRingEnd<string>(left, { spin: 1_000 }), openRingEnd<string>(right, { spin: 1_000 })];
  b.on('message', () => {});
  a.on('message', () => {});
  a.send('something');
  // Every budget comes to nothing after about ten looks in vain; then a turn of the loop is short.
  await until('the loop to be idle', async () => {
    const { idle, active } = performance.eventLoopUtilization();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const now = performance.eventLoopUtilization();
    return now.idle - idle > 4 * (now.active - active);
  });
  a.destroy();
  b.destroy();
});

test('ends that spin hand a message back and forth, by listeners and by promises', async () => {
  const worker = threadWithRing<Ask, unknown>(
    new URL('../../dist-test/ring/fixtures/ring-answer.js', import.meta.url),
    {
      spin: 50,
      worker: { env: { SPIN: '50' } },
    },
  );
  for (let i = 0; i < 2_000; i++) {
    worker.ring.send({ echo: i });
    expect(await worker.ring.receive()).toBe(i);
  }
  let next = 0;
  worker.ring.on('message', (value) => {
    if (value === next && next++ < 2_000) worker.ring.send({ echo: next });
  });
  worker.ring.send({ echo: 0 });
  await until('the last', () => next > 2_000);
  await worker.terminate();
});

test('a spinning listener leaves the loop its turns', async () => {
  const { left, right } = createRingLink();
  const codec = bytesCodec();
  const [a, b] = [openRingEnd(left, { spin: 100, codec }), openRingEnd(right, { spin: 100, codec })];
  let rallies = 0;
  let turns = 0;
  const turn = () => {
    turns++;
    if (rallies < 1_000) setImmediate(turn);
  };
  b.on('message', (message) => b.send(message));
  a.on('message', (message) => {
    rallies++;
    if (rallies < 1_000) a.send(message);
  });
  a.send(Buffer.from('ball'));
  turn();
  await until('the rallies', () => rallies === 1_000);
  expect(turns).toBeGreaterThan(10);
  a.destroy();
  b.destroy();
});
