import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { getAffinity, setAffinity, setPriority } from '../../src/process.js';

/** Makes threads that end at once, for as long as it lives. */
const RESTLESS = `
  const { Worker } = require('node:worker_threads');
  const next = () => new Worker('', { eval: true }).once('exit', next);
  next();
  next();
  console.log('running');
`;

test('threads that end meanwhile are no errors, a process that is not there is one', async () => {
  const child = spawn(process.execPath, ['--eval', RESTLESS], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = child.pid as number;
  try {
    await once(child.stdout, 'data');
    const processors = getAffinity(0);
    for (let i = 0; i < 2_000; i++) {
      setPriority(pid, 5);
      setAffinity(pid, processors);
    }
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  expect(() => setPriority(pid, 5)).toThrow();
});
