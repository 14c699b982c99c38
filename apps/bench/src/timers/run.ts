/** One contender, one case, in a process of its own: prints nanoseconds per timer. */
import { type ContenderName, contenders, type Timers } from './contenders.js';

/** Delays of timers that are cancelled, in milliseconds: like time-outs of requests. */
const LONG_MS = 60_000;
/** Delays of timers that fire, in milliseconds. */
const SHORT_MS = 100;
/** Timers per process, in rounds: small counts are repeated until the clock can tell. */
const TOTAL = 400_000;
const NS_PER_MS = 1e6;

const [name, operation, countText, spread] = process.argv.slice(2);
const timers: Timers = contenders[name as ContenderName]();
const count = Number(countText);

/** The same numbers for each contender: a linear congruential generator (Numerical Recipes). */
let seed = 1;
function random(): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
}

function delays(length: number, max: number): Float64Array {
  return Float64Array.from({ length }, () => (spread === 'equal' ? max : 1 + Math.floor(random() * max)));
}

function addAndCancel(length: number): number {
  const each = delays(length, LONG_MS);
  const handles = new Array<unknown>(length);
  const callback = () => {};
  const start = performance.now();
  for (let i = 0; i < length; i++) handles[i] = timers.add(each[i] as number, callback);
  for (let i = 0; i < length; i++) timers.cancel(handles[i]);
  timers.sweep?.();
  return performance.now() - start;
}

/** The time to add, and the time to fire when all are due; the wait between is not counted. */
async function addAndFire(length: number): Promise<number> {
  const each = delays(length, SHORT_MS);
  let fired = 0;
  let firing = 0;
  let lastFired: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    lastFired = resolve;
  });
  const callback = () => {
    if (++fired < length) return;
    firing = performance.now() - firing;
    lastFired();
  };
  const start = performance.now();
  for (let i = 0; i < length; i++) timers.add(each[i] as number, callback);
  const adding = performance.now() - start;
  const due = performance.now() + SHORT_MS + 2;
  while (performance.now() < due);
  firing = performance.now();
  timers.fire?.();
  await all;
  return adding + firing;
}

async function round(length: number): Promise<number> {
  return operation === 'cancel' ? addAndCancel(length) : addAndFire(length);
}

// Of full size: what is measured is a program that has had so many timers before, not the growth of its memory.
await round(count);
const rounds = Math.max(1, Math.min(10, Math.round(TOTAL / count)));
let total = 0;
for (let i = 0; i < rounds; i++) total += await round(count);
console.log(JSON.stringify({ nanoseconds: (total * NS_PER_MS) / (rounds * count) }));
process.exit();
