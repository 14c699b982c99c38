import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ArgumentError, checkSignal, checkTimeout, createMemoryPair, msgpackCodec } from '../../src/index.js';
import { Alarm, inTime, WaitList } from '../../src/internal.js';

const DAY_MS = 86_400_000;
const NO_TIMES = [Number.NaN, -1, Number.NEGATIVE_INFINITY, '5', null, {}, 5n, true];

const channels = () => createMemoryPair(() => msgpackCodec<unknown>());

test('a time-out is 0, a number above it or Infinity; anything else is an error that names it', () => {
  for (const timeout of [0, 0.5, 1, 2 ** 31, 2 ** 60, Number.POSITIVE_INFINITY])
    expect(checkTimeout(timeout)).toBe(timeout);
  for (const timeout of NO_TIMES) {
    const check = () => checkTimeout(timeout, 'grace');
    expect(check).toThrow(ArgumentError);
    expect(check).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_TIMEOUT_VALUE',
        argument: 'grace',
        value: timeout,
        message: expect.stringMatching(/^'grace' must be 0 .* or Infinity .*, not /),
      }),
    );
  }
});

test('a signal is an AbortSignal; anything else is an error that names it', () => {
  for (const signal of [undefined, AbortSignal.abort(), new AbortController().signal])
    expect(() => checkSignal(signal)).not.toThrow();
  for (const signal of [null, {}, new AbortController(), 'now', { aborted: false }])
    expect(() => checkSignal(signal)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_SIGNAL_VALUE', value: signal }),
    );
});

describe('with a clock wound by hand', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([0, 1, 20, 2 ** 31 - 1, 2 ** 31, 30 * DAY_MS, 365 * DAY_MS])(
    'an alarm for %i ms rings then, once, and not before',
    async (ms) => {
      const ring = vi.fn();
      new Alarm(ms, ring);
      await vi.advanceTimersByTimeAsync(Math.max(ms - 1, 0));
      if (ms > 0) expect(ring).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(2);
      expect(ring).toHaveBeenCalledOnce();
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  test('an alarm for ever takes no timer; a cancelled one does not ring, after some of its steps either', async () => {
    const ring = vi.fn();
    new Alarm(Number.POSITIVE_INFINITY, ring).unref().cancel();
    expect(vi.getTimerCount()).toBe(0);
    const alarm = new Alarm(60 * DAY_MS, ring).unref();
    await vi.advanceTimersByTimeAsync(50 * DAY_MS);
    alarm.cancel();
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(50 * DAY_MS);
    expect(ring).not.toHaveBeenCalled();
  });

  test('a channel waits for 30 days, and a message of the 29th is received', async () => {
    const [a, b] = channels();
    const received = b.receive({ timeout: 30 * DAY_MS });
    await vi.advanceTimersByTimeAsync(29 * DAY_MS);
    a.send('late');
    await expect(received).resolves.toBe('late');
    const failed = expect(b.receive({ timeout: 30 * DAY_MS })).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TIMEOUT',
    });
    await vi.advanceTimersByTimeAsync(31 * DAY_MS);
    await failed;
  });

  test('inTime says whether work was done before its time, for times of any length', async () => {
    let done = () => {};
    const work = () => new Promise<void>((resolve) => (done = resolve));
    const long = inTime(work(), 40 * DAY_MS);
    await vi.advanceTimersByTimeAsync(39 * DAY_MS);
    done();
    expect(await long).toBe(true);
    const late = inTime(work(), 40 * DAY_MS);
    await vi.advanceTimersByTimeAsync(40 * DAY_MS);
    expect(await late).toBe(false);
    expect(await inTime(work(), 1, { signal: AbortSignal.abort() })).toBe(false);
    await expect(inTime(Promise.reject(new Error('it failed')), 1)).rejects.toThrow('it failed');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe.each(['receive', 'drained', 'close'] as const)('%s of a channel', (call) => {
  test('refuses what is no time and what is no signal, and goes on', async () => {
    const [a, b] = channels();
    for (const timeout of NO_TIMES)
      await expect(b[call]({ timeout: timeout as number })).rejects.toMatchObject({
        code: 'ERR_MILLRACE_TIMEOUT_VALUE',
      });
    await expect(b[call]({ signal: {} as AbortSignal })).rejects.toMatchObject({
      code: 'ERR_MILLRACE_SIGNAL_VALUE',
    });
    a.send('x');
    expect(await b.receive()).toBe('x');
  });
});

test('0 looks once: what is there is received, and nothing is waited for', async () => {
  const [a, b] = channels();
  a.send('there');
  a.flush();
  expect(await b.receive({ timeout: 0 })).toBe('there');
  await expect(b.receive({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
  a.send('next');
  expect(await b.receive()).toBe('next');
  await expect(a.drained({ timeout: 0 })).resolves.toBeUndefined();
});

test('for ever is as long as it takes, and a signal ends it', async () => {
  const [a, b] = channels();
  const received = b.receive({ timeout: Number.POSITIVE_INFINITY });
  setImmediate(() => a.send('at last'));
  expect(await received).toBe('at last');
  const controller = new AbortController();
  const aborted = b.receive({ timeout: Number.POSITIVE_INFINITY, signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  const list = new WaitList<void>();
  await expect(list.wait('This', { timeout: -1 })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_TIMEOUT_VALUE',
  });
  expect(list.size).toBe(0);
});
