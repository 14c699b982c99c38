import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { ProcessStatFile, processStat } from '../src/internal.js';

const program = 'process.title = ") Z 1 (2) "; console.log("named"); setInterval(() => {}, 1_000);';

test('a look at a process that is kept open says what a new one says, whatever the process calls itself', async () => {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const file = ProcessStatFile.open(child.pid as number);
  try {
    await once(child.stdout, 'data');
    child.kill('SIGSTOP');
    await expect.poll(() => file?.read()?.state, { timeout: 30_000 }).toBe('T');
    const stat = processStat(child.pid as number);
    expect(stat).toMatchObject({ state: 'T', parent: process.pid });
    expect(stat?.start).toBeGreaterThan(0);
    expect(stat?.residentPages).toBeGreaterThan(1_000);
    expect(file?.read()).toEqual(stat);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(file?.read()).toBeUndefined();
    file?.close();
    file?.close();
  }
  expect(file?.read()).toBeUndefined();
});

test('of a process that there is not there is nothing to keep open', () => {
  expect(ProcessStatFile.open(2 ** 30)).toBeUndefined();
});
