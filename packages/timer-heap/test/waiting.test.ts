import { within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { TimerHeap } from '../src/index.js';
import { ManualClock } from '../src/testing.js';

function make() {
  const clock = new ManualClock();
  const driver = clock.driver();
  return { clock, driver, timers: new TimerHeap({ clock: clock.now, driver }) };
}

/** How often listeners were added to and removed from a signal. */
function watched() {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  return { controller, signal, listeners: () => listeners };
}

test('sleep resolves when its time has come', async () => {
  const { clock, timers } = make();
  let done = false;
  const sleeping = timers.sleep(10).then(() => {
    done = true;
  });
  await clock.advanceAsync(9);
  expect(done).toBe(false);
  await clock.advanceAsync(1);
  await within('the sleep', sleeping);
  expect(timers.stats().num).toBe(0);
});

test('sleep rejects with the reason of its signal, at once, and leaves nothing', async () => {
  const { timers } = make();
  const { controller, signal } = watched();
  const sleeping = timers.sleep(1_000, { signal });
  controller.abort(new Error('enough'));
  await expect(within('the sleep', sleeping)).rejects.toThrow('enough');
  expect(timers.stats().num).toBe(0);
  await expect(timers.sleep(1_000, { signal })).rejects.toThrow('enough');
  expect(timers.stats().num).toBe(0);
});

test('a sleep that is over leaves no listener on its signal', async () => {
  const { clock, timers } = make();
  const { signal, listeners } = watched();
  const sleeping = timers.sleep(5, { signal });
  expect(listeners()).toBe(1);
  await clock.advanceAsync(5);
  await sleeping;
  expect(listeners()).toBe(0);
});

test('a sleep whose heap closes, or whose timer is cleared, rejects with a typed error', async () => {
  const { timers } = make();
  const { signal, listeners } = watched();
  const cleared = timers.sleep(1_000);
  timers.clearAll();
  await expect(within('cleared', cleared)).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMER_CLEARED' });
  const closed = timers.sleep(1_000, { signal });
  timers.close();
  await expect(within('closed', closed)).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMER_CLOSED' });
  await expect(timers.sleep(1)).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMER_CLOSED' });
  expect(listeners()).toBe(0);
});

test('a sleep of a bad delay rejects', async () => {
  const { timers } = make();
  await expect(timers.sleep(0)).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMER_DELAY' });
});

test('a sleep without ref does not keep the process alive', () => {
  const { driver, timers } = make();
  void timers.sleep(1_000, { ref: false });
  expect([driver.armedFor, driver.keepsAlive]).toEqual([1_000, false]);
});

test('ticks yields how many ticks there were, and a slow consumer sees those it missed merged', async () => {
  const { clock, timers } = make();
  const ticks = timers.ticks(10);
  expect(timers.stats().num).toBe(0);
  const first = ticks.next();
  await clock.advanceAsync(10);
  expect(await first).toEqual({ done: false, value: 1 });
  await clock.advanceAsync(35);
  expect((await ticks.next()).value).toBe(4);
  const [fifth, sixth] = [ticks.next(), ticks.next()];
  await clock.advanceAsync(20);
  expect([(await fifth).value, (await sixth).value]).toEqual([5, 6]);
});

test('leaving the loop ends the ticks and clears their timer', async () => {
  const { clock, timers } = make();
  const seen: number[] = [];
  const loop = (async () => {
    for await (const count of timers.ticks(10)) {
      seen.push(count);
      if (count === 3) break;
    }
  })();
  await clock.advanceAsync(100);
  await within('the loop', loop);
  expect(seen).toEqual([1, 2, 3]);
  expect(timers.stats().num).toBe(0);
});

test.each(['abort', 'close', 'clear', 'return'])('ticks end without an error on %s', async (how) => {
  const { clock, timers } = make();
  const { controller, signal, listeners } = watched();
  const ticks = timers.ticks(10, { signal });
  const pending = [ticks.next(), ticks.next()];
  await clock.advanceAsync(5);
  if (how === 'abort') controller.abort();
  if (how === 'close') timers.close();
  if (how === 'clear') timers.clearAll();
  if (how === 'return') await ticks.return?.();
  for (const next of pending) expect(await within('the end', next)).toEqual({ done: true, value: undefined });
  expect(await ticks.next()).toEqual({ done: true, value: undefined });
  expect([timers.stats().num, how === 'abort' ? 0 : listeners()]).toEqual([0, 0]);
});

test('ticks of an aborted signal are over before they begin', async () => {
  const { timers } = make();
  expect(await timers.ticks(10, { signal: AbortSignal.abort() }).next()).toEqual({
    done: true,
    value: undefined,
  });
  expect(timers.stats().num).toBe(0);
});
