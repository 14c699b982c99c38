import { Program } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { TimerHeap } from '../src/index.js';
import { ManualClock } from '../src/testing.js';

const module = JSON.stringify(new URL('../dist/index.js', import.meta.url).href);

/** Runs a program that has to end by itself, and returns what it printed. */
async function ended(code: string): Promise<string> {
  const source = `import { TimerHeap } from ${module};\nconst timers = new TimerHeap();\n${code}`;
  await using program = new Program('--input-type=module', { args: ['--eval', source] });
  const { code: status } = await program.ended();
  expect(status, program.output).toBe(0);
  return program.output;
}

function make() {
  const clock = new ManualClock();
  return { clock, timers: new TimerHeap({ clock: clock.now, driver: clock.driver() }) };
}

test('G01 a one-shot timer whose callback arms the next, ten times: ten runs in order, and the program ends', async () => {
  const output = await ended(`
    let runs = 0;
    let previous = 0;
    function arm() {
      const id = timers.after(10, () => {
        console.log(++runs, id > previous, previous === 0 || !timers.exists(previous));
        previous = id;
        if (runs < 10) arm();
      });
      if (!(id > 0)) console.log('bad id', id);
    }
    arm();
    process.on('exit', () => console.log('end', timers.exists(previous), timers.list().length));
  `);
  const lines = Array.from({ length: 10 }, (_, run) => `${run + 1} true true\n`);
  expect(output).toBe(`${lines.join('')}end false 0\n`);
});

test('G02 a timer of 0 or -1 ms is refused and creates nothing, one of 1 ms works', () => {
  const { clock, timers } = make();
  for (const ms of [0, -1]) {
    for (const call of [() => timers.after(ms, () => {}), () => timers.tick(ms, () => {})]) {
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_TIMER_DELAY' }));
    }
  }
  expect([timers.stats().num, timers.list()]).toEqual([0, []]);
  let fired = 0;
  expect(timers.after(1, () => fired++)).toBe(1);
  expect(timers.tick(1, () => fired++)).toBe(2);
  clock.advance(1);
  expect(fired).toBe(2);
});

test('G03 info shows delay, interval, removal, and a round one higher for a timer armed inside a callback', () => {
  const { clock, timers } = make();
  for (let ms = 1_000; ms > 0; ms--) {
    const id = timers.after(ms + 10, () => {});
    expect(timers.info(id)).toEqual({
      execMsec: ms + 10,
      execCount: 0,
      interval: 0,
      round: 0,
      removed: false,
    });
  }
  let ran = 0;
  const periodic = timers.tick(5, (id) => {
    ran++;
    expect(timers.info(id)?.interval).toBe(5);
    expect(timers.clear(id)).toBe(true);
    expect(timers.info(id)?.removed).toBe(true);
    const young = timers.after(1, () => {});
    expect(timers.info(young)?.round).toBe((timers.info(1)?.round ?? Number.NaN) + 1);
  });
  clock.advance(5);
  expect([ran, timers.info(periodic)]).toEqual([1, undefined]);
});

test('G04 with timer 1 alone alive, clearing N to 1 is true for 1 only, it never fires, and the program ends at once', async () => {
  const output = await ended(`
    const id = timers.after(3_600_000, () => console.log('fired'));
    const cleared = [];
    for (let n = 1_000; n >= 1; n--) if (timers.clear(n)) cleared.push(n);
    console.log(id, ...cleared);
  `);
  expect(output).toBe('1 1\n');
});
