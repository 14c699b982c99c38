/** One operation of one primitive, in a process of its own: prints nanoseconds of one. `node run.js OPERATION` */
import { AtomicUint32, column, Mutex, Table } from '@millrace/shared-memory';
import { TimerHeap } from '@millrace/timer-heap';
import {
  ATOMIC_ADDS,
  KEYS,
  LONG_MS,
  type Operation,
  PAIRS,
  STRIDE,
  TABLE_OPERATIONS,
  TIMERS,
} from './work.js';

const NS_PER_MS = 1e6;

/** The same numbers as Swoole's side draws: a linear congruential generator (Numerical Recipes). */
let seed = 1;
function random(): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed;
}

function timers(what: 'add' | 'clear'): () => number {
  return () => {
    const heap = new TimerHeap();
    const delays = Float64Array.from({ length: TIMERS }, () => 1 + LONG_MS + (random() % LONG_MS));
    const ids = new Float64Array(TIMERS);
    const callback = () => {};
    const start = performance.now();
    for (let i = 0; i < TIMERS; i++) ids[i] = heap.after(delays[i] as number, callback);
    const added = performance.now();
    for (let i = TIMERS - 1; i > 0; i--) {
      const other = random() % (i + 1);
      [ids[i], ids[other]] = [ids[other] as number, ids[i] as number];
    }
    const shuffled = performance.now();
    for (let i = 0; i < TIMERS; i++) heap.clear(ids[i] as number);
    const cleared = performance.now();
    heap.close();
    return ((what === 'add' ? added - start : cleared - shuffled) * NS_PER_MS) / TIMERS;
  };
}

/** Times `count` of what `operate` does. */
function each(count: number, operate: (i: number) => unknown): () => number {
  return () => {
    const start = performance.now();
    for (let i = 0; i < count; i++) operate(i);
    return ((performance.now() - start) * NS_PER_MS) / count;
  };
}

function table(what: 'set' | 'get' | 'increment'): () => number {
  const rows = Table.anonymous({
    rows: KEYS,
    columns: { id: column.int64(), score: column.float64(), name: column.string(32) },
  });
  const keys = Array.from({ length: KEYS }, (_, i) => `user:${i}`);
  for (const [i, key] of keys.entries()) rows.set(key, { id: i, score: i / 2, name: `name of user ${i}` });
  const key = (i: number) => keys[(i * STRIDE) % KEYS] as string;
  switch (what) {
    case 'set':
      return each(TABLE_OPERATIONS, (i) => rows.set(key(i), { id: i, score: i / 2, name: 'name of a user' }));
    case 'get':
      return each(TABLE_OPERATIONS, (i) => rows.get(key(i)));
    case 'increment':
      return each(TABLE_OPERATIONS, (i) => rows.increment(key(i), 'id'));
  }
}

function atomic(): () => number {
  const counter = AtomicUint32.anonymous();
  return each(ATOMIC_ADDS, () => counter.add(1));
}

function mutex(): () => number {
  const lock = Mutex.anonymous();
  return each(PAIRS, () => lock.lock().unlock());
}

const operations: Record<Operation, () => () => number> = {
  'timer add': () => timers('add'),
  'timer clear': () => timers('clear'),
  'table set': () => table('set'),
  'table get': () => table('get'),
  'table increment': () => table('increment'),
  'atomic add': atomic,
  'mutex pair': mutex,
};

const run = operations[process.argv[2] as Operation]();
// Once for the compiler and the memory, as a program has it that runs for a while.
run();
console.log(JSON.stringify({ nanoseconds: run() }));
process.exit();
