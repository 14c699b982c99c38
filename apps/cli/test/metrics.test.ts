import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { get, portOf, programOf, start } from './support.js';

test('the metrics of a program are those of all its workers, and keep what a killed one has counted', async () => {
  await using program = start(programOf('counting.mjs'), { flags: ['--workers', '2'] });
  const port = await portOf(program);
  const pids = new Set<number>();
  let requests = 0;
  await until('answers of two workers', async () => {
    pids.add(Number(await get(port)));
    requests++;
    return pids.size === 2;
  });
  const [killed] = pids;
  process.kill(killed as number, 'SIGKILL');
  await until('an answer of a process that replaces it', async () => {
    const pid = Number(await get(port));
    if (Number.isNaN(pid)) return false;
    requests++;
    return !pids.has(pid);
  });
  expect(await get(port, '/metrics')).toContain(`requests_total ${requests}\n`);
  expect(program.output).not.toContain('ERR_MILLRACE_METRICS');
});
