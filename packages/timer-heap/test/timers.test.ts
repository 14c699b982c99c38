import { describe, expect, test } from 'vitest';
import { MAX_DELAY_MS, TimerError, TimerHeap } from '../src/index.js';
import { ManualClock } from '../src/testing.js';

function make(onError?: (error: unknown, id: number) => void) {
  const clock = new ManualClock(1_000);
  const driver = clock.driver();
  const timers = new TimerHeap(
    onError ? { clock: clock.now, driver, onError } : { clock: clock.now, driver },
  );
  return { clock, driver, timers };
}

describe('firing', () => {
  test('a timer fires when its delay has passed, and not a moment earlier', () => {
    const { clock, timers } = make();
    const at: number[] = [];
    timers.after(10, () => at.push(clock.now()));
    clock.advance(9.999);
    expect(at).toEqual([]);
    clock.advance(50);
    expect(at).toEqual([1_010]);
  });

  test('equal deadlines fire in the order in which they were armed', () => {
    const { clock, timers } = make();
    const order: string[] = [];
    const first = timers.after(5, () => order.push('first'));
    timers.after(5, () => order.push('second'));
    timers.after(5, () => order.push('third'));
    timers.rearm(first, 5);
    clock.advance(5);
    expect(order).toEqual(['second', 'third', 'first']);
  });

  test('callbacks get their arguments, those of tick after the id', () => {
    const { clock, timers } = make();
    const got: unknown[] = [];
    timers.after(1, (name, count) => got.push([name.toUpperCase(), count.toFixed(1)]), 'a', 2);
    const id = timers.tick(1, (self, name) => got.push([self, name.length]), 'bc');
    timers.after(1, (...args) => got.push(args));
    clock.advance(1);
    expect(got).toEqual([['A', '2.0'], [id, 2], []]);
  });

  test('a timer made in a callback never runs in the same pass, however overdue, and older ones still do', () => {
    const { timers } = make();
    const order: string[] = [];
    timers.after(10, () => {
      order.push('old');
      timers.after(1, () => order.push('young'));
    });
    timers.after(500, () => order.push('older'));
    expect(timers.runDue(9_000)).toBe(2);
    expect(order).toEqual(['old', 'older']);
    expect(timers.runDue(9_001)).toBe(1);
    expect(order).toEqual(['old', 'older', 'young']);
  });

  test('a tick neither drifts nor bursts: missed ticks merge into one and the rhythm stays', () => {
    const { clock, timers } = make();
    const at: number[] = [];
    timers.tick(100, () => at.push(clock.now() - 1_000));
    clock.advance(250);
    clock.stall(433);
    clock.advance(200);
    expect(at).toEqual([100, 200, 683, 700, 800]);
  });

  test('a timer that a callback cancels does not fire, although it was due in the same pass', () => {
    const { clock, timers } = make();
    const order: string[] = [];
    timers.after(5, () => {
      order.push('first');
      timers.clear(second);
      timers.rearm(third, 10);
    });
    const second = timers.after(6, () => order.push('second'));
    const third = timers.after(7, () => order.push('third'));
    clock.stall(8);
    expect(order).toEqual(['first']);
    clock.advance(10);
    expect(order).toEqual(['first', 'third']);
  });

  test('a pass inside a callback fires what is due, but not the timer whose callback it is in', () => {
    const { clock, timers } = make();
    const order: string[] = [];
    timers.tick(5, () => order.push(`tick ${order.length === 0 ? timers.runDue() : ''}`));
    timers.after(5, () => order.push('after'));
    clock.advance(5);
    expect(order).toEqual(['after', 'tick 1']);
  });

  test('when the clock goes back, the time of the heap stands still', () => {
    let now = 1_000;
    const timers = new TimerHeap({ clock: () => now, driver: null });
    timers.after(10, () => {});
    expect(timers.nextDeadline()).toBe(1_010);
    now = 500;
    timers.after(10, () => {});
    expect(timers.nextDelay()).toBe(10);
    now = 1_010;
    expect(timers.runDue()).toBe(2);
  });
});

describe('ending', () => {
  test('clear is true once for a live timer', () => {
    const { clock, timers } = make();
    const cleared = timers.after(5, () => expect.unreachable());
    const fired = timers.after(1, () => {});
    clock.advance(1);
    expect([timers.clear(cleared), timers.clear(cleared), timers.clear(fired)]).toEqual([true, false, false]);
    for (const id of [0, -1, 1.5, Number.NaN, 2 ** 60]) expect(timers.clear(id)).toBe(false);
    clock.advance(10);
  });

  test('a tick that clears itself is gone for all but info until its callback returns', () => {
    const { clock, timers } = make();
    let runs = 0;
    const id = timers.tick(5, (self) => {
      runs++;
      expect(timers.clear(self)).toBe(true);
      expect(timers.clear(self)).toBe(false);
      expect(timers.rearm(self, 5)).toBe(false);
      expect(timers.exists(self)).toBe(false);
      expect(timers.list()).toEqual([]);
      expect(timers.info(self)).toEqual({ execMsec: 5, execCount: 1, interval: 5, round: 0, removed: true });
    });
    clock.advance(20);
    expect(runs).toBe(1);
    expect(timers.info(id)).toBeUndefined();
  });

  test('clearAll ends every timer, the one whose callback calls it included', () => {
    const { clock, timers } = make();
    timers.tick(5, () => expect(timers.clearAll()).toBe(3));
    timers.after(5, () => expect.unreachable());
    timers.after(50, () => expect.unreachable());
    clock.advance(100);
    expect(timers.stats()).toMatchObject({ num: 0, round: 1 });
  });

  test('a closed heap fires nothing, refuses new timers, and may be closed again', () => {
    const { clock, driver, timers } = make();
    const id = timers.after(5, () => expect.unreachable());
    timers.close();
    timers[Symbol.dispose]();
    clock.advance(10);
    expect([timers.exists(id), timers.list(), timers.nextDelay(), driver.armedFor]).toEqual([
      false,
      [],
      -1,
      undefined,
    ]);
    expect(() => timers.after(1, () => {})).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_TIMER_CLOSED' }),
    );
  });

  test('closing in a callback ends the pass', () => {
    const { clock, timers } = make();
    timers.tick(5, () => timers.close());
    timers.after(5, () => expect.unreachable());
    clock.advance(100);
    expect(timers.stats().num).toBe(0);
  });
});

describe('re-arming', () => {
  test('rearm puts a timer off, brings it forward, and is false for one that is not there', () => {
    const { clock, timers } = make();
    const at: number[] = [];
    const id = timers.after(10, () => at.push(clock.now()));
    clock.advance(9);
    expect(timers.rearm(id, 10)).toBe(true);
    clock.advance(9);
    timers.rearm(id, 100);
    timers.rearm(id, 3);
    clock.advance(200);
    expect(at).toEqual([1_021]);
    expect(timers.rearm(id, 5)).toBe(false);
  });

  test('a timer that fires once lives on when it re-arms itself in its callback', () => {
    const { clock, timers } = make();
    const counts: (number | undefined)[] = [];
    let id = 0;
    id = timers.after(10, () => {
      counts.push(timers.info(id)?.execCount);
      if (counts.length < 3) timers.rearm(id, 10);
    });
    clock.advance(100);
    expect(counts).toEqual([1, 2, 3]);
    expect(timers.exists(id)).toBe(false);
  });
});

describe('limits', () => {
  test.each([0, -1, 0.999, Number.NaN, Number.POSITIVE_INFINITY, MAX_DELAY_MS + 1])(
    'a delay of %d is refused with the value and the limits',
    (ms) => {
      const { timers } = make();
      for (const call of [
        () => timers.after(ms, () => {}),
        () => timers.tick(ms, () => {}),
        () => timers.rearm(1, ms),
        () => timers.ticks(ms),
      ]) {
        expect(call).toThrow(TimerError);
        expect(call).toThrow(`from 1 to 4503599627370496 (2^52), got ${ms}`);
        expect(call).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_TIMER_DELAY' }));
      }
    },
  );

  test('a delay that is no number, and a callback that is no function, are refused', () => {
    const { timers } = make();
    expect(() => timers.after('5' as unknown as number, () => {})).toThrow('got "5"');
    expect(() => timers.after(5, undefined as unknown as () => void)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_TIMER_CALLBACK' }),
    );
    expect(timers.stats().num).toBe(0);
  });

  test('a fraction of a millisecond is kept: a timer of 1.5 ms is due 1.5 ms from now', () => {
    const { timers } = make();
    timers.after(1.5, () => {});
    expect(timers.nextDeadline()).toBe(1_001.5);
    expect(timers.nextDelay()).toBe(2);
  });

  test('a timer of a century fires after a century', () => {
    const { clock, timers } = make();
    const century = 100 * 365.25 * 86_400_000;
    let at = 0;
    timers.after(century, () => {
      at = clock.now();
    });
    clock.advance(century - 1);
    expect(at).toBe(0);
    clock.advance(1);
    expect(at).toBe(1_000 + century);
  });
});

describe('errors', () => {
  test('a callback that throws is reported with its id, and the others run, it again too', () => {
    const reports: unknown[] = [];
    const { clock, timers } = make((error, id) => reports.push([(error as Error).message, id]));
    let ran = 0;
    const id = timers.tick(5, () => {
      throw new Error('oops');
    });
    timers.tick(5, () => ran++);
    clock.advance(10);
    expect(ran).toBe(2);
    expect(reports).toEqual([
      ['oops', id],
      ['oops', id],
    ]);
  });
});

describe('looking', () => {
  test('info says what is known', () => {
    const { clock, timers } = make();
    clock.advance(7);
    const id = timers.tick(10, () => {});
    expect(timers.info(id)).toEqual({ execMsec: 17, execCount: 0, interval: 10, round: 0, removed: false });
    clock.advance(25);
    expect(timers.info(id)).toEqual({ execMsec: 37, execCount: 2, interval: 10, round: 0, removed: false });
    expect(timers.info(99)).toBeUndefined();
  });

  test('list is a snapshot of the live ids, oldest first', () => {
    const { timers } = make();
    const ids = [30, 10, 20].map((ms) => timers.after(ms, () => {}));
    const list = timers.list();
    timers.clear(ids[1]!);
    expect([...list]).toEqual(ids);
    expect(timers.list()).toEqual([ids[0], ids[2]]);
  });

  test('stats counts timers, passes that fired, and how late they were', () => {
    const { clock, timers } = make();
    timers.after(10, () => {});
    timers.after(10, () => {});
    timers.after(20, () => {});
    timers.after(99, () => {});
    clock.advance(12);
    clock.stall(18);
    timers.runDue();
    expect(timers.stats()).toEqual({
      num: 1,
      round: 2,
      lateness: { p50: 1 / 16, p99: 10, max: 10, count: 3 },
    });
  });

  test('nextDelay is what an epoll loop waits for', () => {
    const { clock, timers } = make();
    expect(timers.nextDelay()).toBe(-1);
    const id = timers.after(2 ** 40, () => {});
    expect(timers.nextDelay()).toBe(2 ** 31 - 1);
    timers.rearm(id, 10);
    expect([
      timers.nextDelay(),
      timers.nextDelay(1_009.2),
      timers.nextDelay(1_010),
      timers.nextDelay(5_000),
    ]).toEqual([10, 1, 0, 0]);
    clock.advance(10);
    expect(timers.nextDeadline()).toBeUndefined();
  });
});

test('a misspelt option is refused, and those that there are named', () => {
  expect(() => new TimerHeap({ onerror: () => {} } as object)).toThrow(
    expect.objectContaining({
      code: 'ERR_MILLRACE_TIMER_OPTION',
      message: "There is no option 'onerror'; there are: clock, driver, onError.",
    }),
  );
  expect(() => new TimerHeap({ clock: undefined } as object)).not.toThrow();
});
