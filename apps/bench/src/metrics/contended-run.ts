/**
 * A counter that several processes increment at once: prints nanoseconds of one call of the first, and whether the sum is
 * exact. `node contended-run.js PROCESSES`; the others get the registry by the environment.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Counter } from '@millrace/metrics';
import { CALLS } from './work.js';

const NS_PER_MS = 1e6;
const WARM_UP = 200_000;

const [processes, role] = process.argv.slice(2);
const counter = new Counter({ name: 'c_total', help: 'C.' });
const count = (calls: number) => {
  const start = performance.now();
  for (let i = 0; i < calls; i++) counter.inc();
  return ((performance.now() - start) * NS_PER_MS) / calls;
};

count(WARM_UP);
if (role === 'other') {
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  count(CALLS);
} else {
  const others = Array.from({ length: Number(processes) - 1 }, () =>
    spawn(process.execPath, [fileURLToPath(import.meta.url), '1', 'other'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  await Promise.all(others.map((other) => once(other.stdout, 'data')));
  for (const other of others) other.stdin.end('go\n');
  const nanoseconds = count(CALLS);
  await Promise.all(others.map((other) => once(other, 'close')));
  const { values } = await counter.get();
  const lost = (WARM_UP + CALLS) * Number(processes) - (values[0]?.value ?? 0);
  console.log(JSON.stringify({ nanoseconds, lost }));
}
process.exit();
