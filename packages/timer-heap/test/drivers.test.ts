import { Program, within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { TimeoutDriver, TimerHeap } from '../src/index.js';
import { ManualClock } from '../src/testing.js';

function make() {
  const clock = new ManualClock();
  const driver = clock.driver();
  return { clock, driver, timers: new TimerHeap({ clock: clock.now, driver }) };
}

test('one wake-up is armed, for the earliest deadline', () => {
  const { clock, driver, timers } = make();
  timers.after(50, () => {});
  timers.after(90, () => {});
  expect([driver.armedFor, driver.timesArmed]).toEqual([50, 1]);
  timers.after(20.5, () => {});
  expect([driver.armedFor, driver.timesArmed]).toEqual([21, 2]);
  clock.advance(30);
  expect([driver.armedFor, driver.timesArmed]).toEqual([50, 3]);
  clock.advance(100);
  expect(driver.armedFor).toBeUndefined();
});

test('callbacks that arm timers arm the wake-up once, when the pass is over', () => {
  const { clock, driver, timers } = make();
  timers.after(5, () => {
    for (let ms = 100; ms > 10; ms--) timers.after(ms, () => {});
  });
  clock.advance(5);
  expect([driver.armedFor, driver.timesArmed]).toEqual([16, 2]);
});

test('adding and clearing does not re-arm as long as the armed wake-up comes early enough', () => {
  const { clock, driver, timers } = make();
  for (let turn = 0; turn < 100; turn++) {
    timers.clear(timers.after(500, () => {}));
    clock.advance(1);
  }
  expect(driver.timesArmed).toBe(1);
  timers.after(500, () => {});
  clock.advance(400);
  expect([driver.armedFor, driver.timesArmed]).toEqual([600, 2]);
});

test('a delay beyond 2^31 - 1 ms is armed in steps', () => {
  const { clock, driver, timers } = make();
  let fired = 0;
  timers.after(2 ** 32, () => fired++);
  expect(driver.armedFor).toBe(2 ** 31 - 1);
  clock.advance(2 ** 31);
  expect([driver.armedFor, fired]).toEqual([2 ** 32 - 2, 0]);
  clock.advance(2 ** 31);
  expect([fired, driver.timesArmed]).toEqual([1, 3]);
});

test('a driver that fires early is armed for the rest', () => {
  let fire = () => {};
  const delays: number[] = [];
  let now = 0;
  let fired = 0;
  const driver = {
    arm: (ms: number, wake: () => void) => {
      delays.push(ms);
      fire = wake;
    },
    disarm() {},
    ref() {},
    unref() {},
  };
  const timers = new TimerHeap({ clock: () => now, driver });
  timers.after(10, () => fired++);
  now = 9.7;
  fire();
  expect([fired, ...delays]).toEqual([0, 10, 1]);
  now = 10;
  fire();
  expect(fired).toBe(1);
});

test('the wake-up keeps the process alive while a timer does that is not unrefed', () => {
  const { clock, driver, timers } = make();
  const first = timers.after(10, () => {});
  const second = timers.after(20, () => {});
  expect([driver.keepsAlive, timers.hasRef(first)]).toEqual([true, true]);
  expect([timers.unref(first), timers.unref(first), timers.unref(99)]).toEqual([true, true, false]);
  expect([driver.keepsAlive, timers.hasRef(first), timers.hasRef(second)]).toEqual([true, false, true]);
  timers.clear(second);
  expect(driver.keepsAlive).toBe(false);
  expect([timers.ref(first), timers.ref(99), driver.keepsAlive]).toEqual([true, false, true]);
  clock.advance(10);
  expect([driver.keepsAlive, timers.hasRef(first)]).toEqual([false, false]);
});

test('with no driver the owner asks for the delay and runs what is due', () => {
  let now = 0;
  const timers = new TimerHeap({ clock: () => now, driver: null });
  const fired: string[] = [];
  timers.after(7, () => fired.push('a'));
  timers.after(3, () => fired.push('b'));
  for (let delay = timers.nextDelay(); delay >= 0; delay = timers.nextDelay()) {
    now += delay;
    timers.runDue();
  }
  expect([now, ...fired]).toEqual([7, 'b', 'a']);
});

test('one clock drives several heaps in the order of their deadlines', () => {
  const clock = new ManualClock();
  const order: string[] = [];
  for (const name of ['a', 'b']) {
    const timers = new TimerHeap({ clock: clock.now, driver: clock.driver() });
    timers.tick(name === 'a' ? 10 : 15, () => order.push(`${name}${clock.now()}`));
  }
  clock.advance(40);
  expect(order).toEqual(['a10', 'b15', 'a20', 'a30', 'b30', 'a40']);
});

test('the default driver fires in real time, never early', async () => {
  const timers = new TimerHeap();
  const start = performance.now();
  const late = Array.from({ length: 20 }, async (_, at) => {
    await timers.sleep(at + 1.25);
    return performance.now() - start - (at + 1.25);
  });
  for (const by of await within('all sleeps', Promise.all(late))) expect(by).toBeGreaterThanOrEqual(0);
});

test('the timeout driver takes what it is given in place of what it had', async () => {
  const driver = new TimeoutDriver();
  const fired = await within(
    'the second',
    new Promise((resolve) => {
      driver.arm(1, () => resolve('first'));
      driver.arm(2, () => resolve('second'));
    }),
  );
  driver.disarm();
  driver.disarm();
  expect(fired).toBe('second');
});

const module = JSON.stringify(new URL('../dist/index.js', import.meta.url).href);

async function ends(code: string, ...flags: string[]): Promise<{ code: number | null; output: string }> {
  const args = ['--input-type=module', '--eval', `import { TimerHeap } from ${module};\n${code}`];
  await using program = new Program(flags[0] ?? '--no-warnings', { args: [...flags.slice(1), ...args] });
  const { code: status } = await program.ended();
  return { code: status, output: program.output };
}

test('what a callback throws is an uncaught exception by default, after the others of the pass have run', async () => {
  const { code, output } = await ends(`
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    const timers = new TimerHeap();
    timers.after(1, () => { throw new Error('oops'); });
    timers.after(1, () => console.log('other'));
    timers.after(30, () => console.log('later'));
    const end = performance.now() + 5;
    while (performance.now() < end);
  `);
  expect([code, output]).toEqual([0, 'other\nuncaught oops\nlater\n']);
});

test('an unrefed timer does not keep the process alive, nor does a wake-up whose timers were cleared', async () => {
  const { code, output } = await ends(`
    const timers = new TimerHeap();
    timers.unref(timers.after(3_600_000, () => {}));
    timers.clear(timers.after(1_800_000, () => {}));
    void timers.sleep(3_600_000, { ref: false });
    console.log('end');
  `);
  expect([code, output]).toEqual([0, 'end\n']);
});

test('neither a cleared timer nor an empty heap is kept in memory', async () => {
  const { output } = await ends(
    `
    let timers = new TimerHeap();
    const heap = new WeakRef(timers);
    const [kept, gone] = [{}, {}].map((held) => ({ ref: new WeakRef(held), id: timers.after(3_600_000, () => held) }));
    timers.clear(gone.id);
    await new Promise((resolve) => setTimeout(resolve, 10));
    gc();
    console.log(gone.ref.deref() === undefined, kept.ref.deref() !== undefined);
    timers.clear(kept.id);
    timers = undefined;
    await new Promise((resolve) => setTimeout(resolve, 10));
    gc();
    console.log(heap.deref() === undefined);
  `,
    '--expose-gc',
  );
  expect(output).toBe('true true\ntrue\n');
});
