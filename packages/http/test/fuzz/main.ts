/**
 * Compares what node:http and the lean engine make of the same bytes, in several processes, and stops at the first difference. It
 * counts the requests that node:http gave to the program or refused: those behind the end of a conversation are not among them.
 *
 *     node dist-test/fuzz/main.js [--count CONVERSATIONS] [--seed FIRST] [--jobs PROCESSES]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { inspect, parseArgs } from 'node:util';
import { ROUND, type RoundResult, round } from './rounds.js';

/** What a process is told to do next. */
interface Order {
  readonly seed: number;
  readonly count: number;
}

/** Most of what is made is of one conversation, and is to be gone before it is taken for old. */
const YOUNG = ['--max-semi-space-size=64'];

if (process.send === undefined) lead();
else follow();

function follow(): void {
  // A request that is refused is an error for each of the two; where it was made is of no interest.
  Error.stackTraceLimit = 0;
  process.on('message', async ({ seed, count }: Order) => {
    process.send?.(await round(seed, count));
  });
}

function lead(): void {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
      jobs: { type: 'string', default: `${availableParallelism()}` },
    },
  });
  const [count, first, jobs] = [Number(values.count), Number(values.seed), Number(values.jobs)];
  const start = performance.now();
  const sum = { conversations: 0, cuts: 0, leanToTheEnd: 0, requests: 0, mutated: 0, readByLean: 0 };
  let ordered = 0;
  let seed = first;
  let last = first;
  const children = new Set<ChildProcess>();

  const order = (child: ChildProcess) => {
    const left = Math.min(ROUND, count - ordered);
    if (left <= 0) {
      child.disconnect();
      return;
    }
    ordered += left;
    child.send({ seed: seed++, count: left } satisfies Order);
  };
  const tell = ({ seed, difference, ...result }: RoundResult) => {
    if (difference !== undefined) {
      console.log(`seed ${seed}:`, inspect(difference, { depth: 5, maxStringLength: 4_000 }));
      process.exitCode = 1;
      for (const child of children) child.kill();
      return;
    }
    sum.conversations += result.conversations;
    sum.cuts += result.cuts;
    for (const what of ['leanToTheEnd', 'requests', 'mutated', 'readByLean'] as const)
      sum[what] += result.seen[what];
    last = Math.max(last, seed);
    const seconds = Math.round((performance.now() - start) / 1_000);
    console.log(
      `seeds ${first} to ${last}, ${seconds} s: ${sum.requests} requests, ${sum.mutated} of them mutated, ${sum.readByLean} ` +
        `read by lean, in ${sum.conversations} conversations and ${sum.cuts} cuts, ${sum.leanToTheEnd} lean to their end: ` +
        'no difference',
    );
  };
  for (let i = 0; i < jobs; i++) {
    const child = fork(fileURLToPath(import.meta.url), { serialization: 'advanced', execArgv: YOUNG });
    children.add(child);
    child.on('message', (result: RoundResult) => {
      tell(result);
      if (process.exitCode !== 1) order(child);
    });
    child.on('exit', (code, signal) => {
      children.delete(child);
      if (code === 0 || process.exitCode === 1) return;
      console.log(`A process has ended by ${signal ?? code}.`);
      process.exitCode = 1;
    });
    order(child);
  }
}
