/** One pool, one case, in a process of its own: prints its figure as `{ value }`. */
import { availableParallelism } from 'node:os';
import { type Contestant, type ContestantName, contestants } from './contenders.js';
import { primes, type WorkName } from './work.js';

const [name, what, parameterText, secondsText] = process.argv.slice(2);
const size = availableParallelism();
const PAYLOAD_BYTES = 65_536;
/** Below this, primes take some milliseconds. */
const PRIMES_LIMIT = 40_000;
const PRIMES_TASKS = 200;
/** A process takes some hundred milliseconds to start where another takes the processor. */
const WARM_UP_MS = 1_000;

const start = performance.now();
const pool: Contestant = contestants[name as ContestantName](size);
const parameter = Number(parameterText);
const milliseconds = Number(secondsText) * 1_000;

/** Tasks per second with so many under way. */
async function throughput(task: WorkName, value: unknown, concurrency: number, duration: number) {
  let done = 0;
  const from = performance.now();
  const end = from + duration;
  const caller = async () => {
    while (performance.now() < end) {
      await pool.run(task, value);
      done++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return (done * 1_000) / (performance.now() - from);
}

async function speedUp() {
  await pool.ready?.();
  await Promise.all(Array.from({ length: 20 }, () => pool.run('primes', PRIMES_LIMIT)));
  for (let i = 0; i < 20; i++) primes(PRIMES_LIMIT);
  const alone = performance.now();
  for (let i = 0; i < PRIMES_TASKS; i++) primes(PRIMES_LIMIT);
  const together = performance.now();
  await Promise.all(Array.from({ length: PRIMES_TASKS }, () => pool.run('primes', PRIMES_LIMIT)));
  return (together - alone) / (performance.now() - together);
}

async function measure(): Promise<number> {
  if (what === 'start') {
    await pool.run('noop', undefined);
    return performance.now() - start;
  }
  if (what === 'cpu') return speedUp();
  const payload = what === 'payload';
  const task = payload ? 'echo' : 'noop';
  const value = payload ? Buffer.alloc(PAYLOAD_BYTES, 1) : undefined;
  // Warm, and every worker there: also those of pools that start processes, and have one in reserve.
  await pool.ready?.();
  await throughput(task, value, parameter, Math.max(WARM_UP_MS, milliseconds / 2));
  return throughput(task, value, parameter, milliseconds);
}

console.log(JSON.stringify({ value: await measure() }));
await pool.end();
process.exit();
