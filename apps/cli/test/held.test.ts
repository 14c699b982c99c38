/** What commands say of processes that they wait for. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until, within } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { millrace } from './millrace.js';
import { portOf, programOf, start } from './support.js';

const MILLRACE = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let directory = '';
let env: NodeJS.ProcessEnv = {};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-held-'));
  env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const hello = (...flags: string[]) =>
  start(programOf('hello.cjs'), { flags: ['--log-level', 'warn', ...flags], env });

async function pidOf(name: string): Promise<number> {
  const { processTable } = JSON.parse((await millrace(['status', '--json'], env)).stdout);
  return processTable.find((one: { name: string }) => one.name === name).pid;
}

/** The command, and what it has said so far. */
function running(...args: string[]) {
  const child = spawn(process.execPath, [MILLRACE, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  const said = { text: '' };
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.text += text;
  });
  const ended = once(child, 'close');
  return { said, code: async () => ((await within(`the end of ${args.join(' ')}`, ended)) as [number])[0] };
}

test.each([
  ['reload', ['reload']],
  ['scale', ['scale', 'workers=2']],
])('%s says that it waits for a manager that is stopped, and goes on with it', async (_, command) => {
  await using program = hello('--workers', '1', '--max-workers', '2');
  await portOf(program);
  const manager = await pidOf('manager');
  process.kill(manager, 'SIGSTOP');
  try {
    const { said, code } = running(...command);
    await until('it to say so', () =>
      said.text.includes(`waits for manager, process ${manager}, which is stopped.`),
    );
    expect(said.text).toContain(`kill -CONT ${manager}`);
    process.kill(manager, 'SIGCONT');
    expect(await code()).toBe(0);
    expect(said.text.match(/waits for manager/g)).toHaveLength(1);
  } finally {
    process.kill(manager, 'SIGCONT');
  }
});

test('reload tells of a worker that is stopped: that it waits for that, and what comes in its place', async () => {
  await using program = hello('--workers', '2', '--max-wait', '3000');
  await portOf(program);
  const worker = await pidOf('worker:0');
  process.kill(worker, 'SIGSTOP');
  const { said, code } = running('reload');
  expect(await code()).toBe(0);
  expect(said.text).toContain(`worker:0: ${worker} -> ${await pidOf('worker:0')}\n`);
  expect(said.text).toMatch(/^reloaded: 2 processes$/m);
});
