/**
 * One contender, one operation, in one of several processes: fills the rows when it is the first, prints that it is
 * ready, and after a line of input does the operation until the time is over. Prints operations and milliseconds.
 *
 *     node table-run.js NAME PATH OPERATION FIRST WINDOW_MS
 */
import { once } from 'node:events';
import { KEYS, type RowStore, type SmallRow, stores } from './table-stores.js';

const [name = '', path = '', operation = '', first, windowText] = process.argv.slice(2);
const windowMs = Number(windowText);
/** Looked at the clock after so many operations. */
const BATCH = 50;
/** Before the time that counts, as long as it: for the compiler, which shares the processors with the other processes. */
const warmUpMs = windowMs;

const store: RowStore = await (stores[name] as (typeof stores)[string])(path);
const keys = Array.from({ length: KEYS }, (_, i) => `user:${i}`);
const rowOf = (i: number): SmallRow => ({ id: i, score: i / 2, name: `name of user ${i % KEYS}` });

/** A walk over the keys that is not in their order; other processes walk the same from other starts. */
let at = process.pid % KEYS;
function next(): number {
  at = (at + 7_919) % KEYS;
  return at;
}

const operations: Record<string, (i: number) => unknown> = {
  set: (i) => store.set(keys[i] as string, rowOf(i)),
  get: (i) => store.get(keys[i] as string),
  increment: (i) => store.increment(keys[i] as string),
};
const operate = operations[operation] as (i: number) => unknown;

async function run(ms: number): Promise<{ operations: number; milliseconds: number }> {
  const start = performance.now();
  let done = 0;
  while (performance.now() - start < ms) done += await batch(operate, store.pipeline ?? 0, next);
  return { operations: done, milliseconds: performance.now() - start };
}

/** A few operations: all at once where the store collects them, one after the other where it does not. */
async function batch(action: (i: number) => unknown, pipeline: number, index: () => number): Promise<number> {
  if (pipeline <= 1) {
    for (let i = 0; i < BATCH; i++) {
      const result = action(index());
      if (pipeline === 1) await result;
    }
    return BATCH;
  }
  const waiting: unknown[] = [];
  for (let i = 0; i < pipeline; i++) waiting.push(action(index()));
  await Promise.all(waiting);
  return pipeline;
}

if (first === 'true') {
  let i = 0;
  while (i < KEYS)
    await batch(
      (index) => store.set(keys[index] as string, rowOf(index)),
      store.pipeline ?? 0,
      () => i++ % KEYS,
    );
}
await run(warmUpMs);
console.log('"ready"');
await once(process.stdin, 'data');
console.log(JSON.stringify(await run(windowMs)));
await store.close();
process.exit();
