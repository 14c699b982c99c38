/** One operation of one library, in a process of its own: prints nanoseconds of one. `node run.js OPERATION LIBRARY` */
import type * as Ours from '@millrace/metrics';
import { CALLS, type Library, type Operation, PAGE_SERIES, PAGES, SERIES } from './work.js';

const NS_PER_MS = 1e6;
const [operation, library] = process.argv.slice(2) as [Operation, Library];

// prom-client has the same calls, which is what is measured; its types differ.
const { Counter, Gauge, Histogram, register } = (await import(
  library === 'millrace' ? '@millrace/metrics' : 'prom-client'
)) as typeof Ours;

const LABELS = ['method', 'status'] as const;
/** Objects as a program makes them for each call have this shape; made before, so that what is measured is the library. */
const labels = Array.from({ length: SERIES }, (_, i) => ({
  method: i % 2 ? 'GET' : 'POST',
  status: 200 + (i >> 1),
}));

async function each(call: (i: number) => void): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < CALLS; i++) call(i % SERIES);
  return ((performance.now() - start) * NS_PER_MS) / CALLS;
}

function counter(): Ours.Counter<(typeof LABELS)[number]> {
  return new Counter({ name: 'c_total', help: 'C.', labelNames: LABELS });
}

function histogram(): Ours.Histogram<(typeof LABELS)[number]> {
  return new Histogram({ name: 'h', help: 'H.', labelNames: LABELS });
}

async function pages(): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < PAGES; i++) await register.metrics();
  return ((performance.now() - start) * NS_PER_MS) / PAGES;
}

const operations: Record<Operation, () => () => Promise<number>> = {
  'inc bound': () => {
    const metric = counter();
    const bound = labels.map((each) => metric.labels(each));
    return () => each((i) => bound[i]?.inc());
  },
  'inc labels': () => {
    const metric = counter();
    return () => each((i) => metric.inc(labels[i] as never));
  },
  'inc plain': () => {
    const metric = new Counter({ name: 'c_total', help: 'C.' });
    return () => each(() => metric.inc());
  },
  'set labels': () => {
    const metric = new Gauge({ name: 'g', help: 'G.', labelNames: LABELS });
    return () => each((i) => metric.set(labels[i] as never, i));
  },
  'observe bound': () => {
    const metric = histogram();
    const bound = labels.map((each) => metric.labels(each));
    return () => each((i) => bound[i]?.observe(i / 10));
  },
  'observe labels': () => {
    const metric = histogram();
    return () => each((i) => metric.observe(labels[i] as never, i / 10));
  },
  page: () => {
    const metric = new Counter({ name: 'c_total', help: 'C.', labelNames: ['id'] });
    for (let id = 0; id < PAGE_SERIES; id++) metric.inc({ id });
    return pages;
  },
};

const run = operations[operation]();
// Once for the compiler, as a program has it that runs for a while.
await run();
console.log(JSON.stringify({ nanoseconds: await run() }));
process.exit();
