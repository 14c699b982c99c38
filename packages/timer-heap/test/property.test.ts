import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimerHeap } from '../src/index.js';
import { DeadlineQueue } from '../src/queue/deadline-queue.js';
import { TimerTable } from '../src/timer-table.js';
import { SortedListModel, type Timers } from './model.js';

type Action =
  | { kind: 'after' | 'tick'; ms: number; inside: Action | undefined }
  | { kind: 'clear'; which: number }
  | { kind: 'rearm'; which: number; ms: number }
  | { kind: 'advance'; ms: number };

const delay = fc.integer({ min: 1, max: 40 });
const which = fc.nat(60);
const leaf: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('after' as const, 'tick' as const),
    ms: delay,
    inside: fc.constant(undefined),
  }),
  fc.record({ kind: fc.constant('clear' as const), which }),
  fc.record({ kind: fc.constant('rearm' as const), which, ms: delay }),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('after' as const, 'tick' as const),
      ms: delay,
      inside: fc.option(leaf, { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: leaf },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 60 }) }),
  },
);

/** Runs a scenario and tells what happened; timers are named by the order in which they were made. */
function play(actions: readonly Action[], make: (now: () => number) => Timers): string[] {
  let now = 0;
  const timers = make(() => now);
  const ids: number[] = [];
  const log: string[] = [];
  const run = (step: Action | undefined): void => {
    if (step === undefined) return;
    if (step.kind === 'advance') {
      now += step.ms;
      log.push(`fired ${timers.runDue()}, next ${timers.nextDeadline()}`);
    } else if (step.kind === 'clear') {
      log.push(`clear ${timers.clear(ids[step.which % (ids.length || 1)] ?? 0)}`);
    } else if (step.kind === 'rearm') {
      log.push(`rearm ${timers.rearm(ids[step.which % (ids.length || 1)] ?? 0, step.ms)}`);
    } else {
      const name = ids.length;
      ids.push(
        timers[step.kind](step.ms, () => {
          log.push(`${name} at ${now}`);
          run(step.inside);
        }),
      );
    }
  };
  for (const step of actions) {
    run(step);
    log.push(ids.map((id) => (timers.exists(id) ? '1' : '0')).join(''));
  }
  return log;
}

test('whatever is added, cancelled, re-armed and advanced, inside callbacks too, the heap does what a sorted list does', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const heap = play(actions, (clock) => new TimerHeap({ clock, driver: null }));
      expect(heap).toEqual(play(actions, (now) => new SortedListModel(now) as unknown as Timers));
    }),
    { numRuns: 1_000 },
  );
});

test('however deadlines are spread over its levels, the queue gives them back in order', () => {
  const step = fc.record({
    adds: fc.array(fc.oneof(fc.nat(20), fc.nat(100_000), fc.constant(500)), { maxLength: 60 }),
    repeat: fc.integer({ min: 1, max: 8 }),
    drops: fc.array(fc.nat(), { maxLength: 120 }),
    pops: fc.nat(60),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const table = new TimerTable();
      const queue = new DeadlineQueue(table, 4);
      let armed: { id: number; due: number; sequence: number }[] = [];
      let popped = 0;
      for (const { adds, repeat, drops, pops } of steps) {
        for (let round = 0; round < repeat; round++) {
          for (const ms of adds) {
            const slot = table.take(() => {}, 0);
            queue.arm(slot, popped + 1 + ms);
            armed.push({
              id: table.id(slot),
              due: table.due(slot),
              sequence: table.sequence(slot),
            });
          }
        }
        for (const drop of drops) {
          const [gone] = armed.splice(drop % (armed.length || 1), 1);
          if (gone === undefined) continue;
          queue.disarm(table.find(gone.id));
          table.free(table.find(gone.id));
        }
        armed = armed.sort((a, b) => a.due - b.due || a.sequence - b.sequence);
        expect(queue.size).toBe(armed.length);
        expect(queue.earliest).toBe(armed[0]?.due ?? Number.POSITIVE_INFINITY);
        // A run that a pass has begun is emptied before time goes on, so a pass here takes all that is due, too.
        const limit = armed[Math.min(pops, armed.length - 1)]?.due ?? 0;
        const expected = armed.filter(({ due }) => due <= limit).map(({ id }) => id);
        const got: number[] = [];
        for (let slot = queue.popDue(limit); slot >= 0; slot = queue.popDue(limit)) {
          got.push(table.id(slot));
          table.free(slot);
        }
        expect(got).toEqual(expected);
        armed = armed.slice(got.length);
        popped = Math.max(popped, limit);
      }
    }),
    { numRuns: 300 },
  );
});

test('timers that are re-armed for ever leave no more behind than there are timers', () => {
  for (const [heapLimit, timers] of [
    [4, 2_000],
    [8_192, 2_000],
    [8_192, 1],
  ] as const) {
    const table = new TimerTable();
    const queue = new DeadlineQueue(table, heapLimit);
    const slots = Array.from({ length: timers }, () => table.take(() => {}, 0)).map((slot) => table.id(slot));
    for (const id of slots) queue.arm(table.find(id), 1_000 + id);
    for (let turn = 1; turn <= 100_000; turn++) {
      const slot = table.find(slots[(turn * 7_919) % timers] as number);
      queue.disarm(slot);
      queue.arm(slot, 1_000 + ((turn * 31) % 500) + turn / 10);
    }
    expect(queue.size).toBe(timers);
    expect(queue.nodes).toBeLessThan(2 * timers + 64);
  }
});

test('ids increase, name one timer each, and are found whatever survives', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(9), { minLength: 1, maxLength: 2_000 }),
      fc.integer({ min: 1, max: 70 }),
      (lives, period) => {
        const table = new TimerTable();
        let last = 0;
        const live = new Map<number, () => void>();
        lives.forEach((life, at) => {
          const callback = () => {};
          const slot = table.take(callback, at);
          const id = table.id(slot);
          expect(id).toBeGreaterThan(last);
          last = id;
          live.set(id, callback);
          if (life > 2 && at % period !== 0) {
            live.delete(id);
            table.free(slot);
          }
        });
        for (const [id, callback] of live) expect(table.callback(table.find(id))).toBe(callback);
        expect(table.ids().sort((a, b) => a - b)).toEqual([...live.keys()]);
      },
    ),
  );
});

test('a million timers fire in order, all but those that were cancelled', () => {
  const count = 1_000_000;
  let now = 0;
  const timers = new TimerHeap({ clock: () => now, driver: null });
  const delays = new Float64Array(count);
  let seed = 42;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
    return (seed >>> 8) / 2 ** 24;
  };
  let lastDue = 0;
  let disorder = 0;
  let fired = 0;
  const ids = Array.from(delays, (_, at) => {
    const ms = Math.floor(1 + random() * 60_000);
    return timers.after(ms, () => {
      if (ms < lastDue || ms > now || at % 3 === 0) disorder++;
      lastDue = ms;
      fired++;
    });
  });
  for (let at = 0; at < count; at += 3) timers.clear(ids[at]!);
  const kept = count - Math.ceil(count / 3);
  expect(timers.stats().num).toBe(kept);
  for (now = 0; now <= 60_000; now += 500) timers.runDue();
  expect({ fired, disorder, num: timers.stats().num }).toEqual({ fired: kept, disorder: 0, num: 0 });
});
