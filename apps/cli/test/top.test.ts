import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { get, portOf, programOf, start } from './support.js';

const TERMINAL = fileURLToPath(new URL('terminal.py', import.meta.url));
const MILLRACE = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-top-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What `millrace top` writes to a terminal that presses keys each time that it shows the next word, and what it exits with. */
async function top(
  steps: readonly (readonly [word: string, keys: string])[],
  env: NodeJS.ProcessEnv,
): Promise<{ text: string; code: number }> {
  const { stdout } = await promisify(execFile)(
    'python3',
    [TERMINAL, JSON.stringify(steps), process.execPath, MILLRACE, 'top'],
    {
      // By these a terminal is taken for one without colours.
      env: { ...process.env, NO_COLOR: undefined, CI: undefined, TERM: 'xterm', ...env },
    },
  );
  return JSON.parse(stdout);
}

test.each([
  ['q', 0],
  ['\u0003', 0],
])('top shows the processes in a terminal, and %j leaves that as it was', async (keys, expected) => {
  const env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
  await using program = start(programOf('hello.cjs'), {
    flags: ['--workers', '2', '--log-level', 'warn'],
    env,
  });
  await portOf(program);
  const { text, code } = await top([['admin', keys]], env);
  expect(code).toBe(expected);
  expect(text.startsWith(ENTER)).toBe(true);
  expect(text.endsWith(LEAVE)).toBe(true);
  const screen = text.slice(ENTER.length, -LEAVE.length).split('\u001b[H')[1] ?? '';
  const lines = screen.split(/\r+\n/).map((line) => stripVTControlCharacters(line));
  expect(lines).toHaveLength(24);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  expect(lines.filter((line) => /^ (master|manager|worker:[01]|admin) /.test(line))).toHaveLength(5);
  expect(text).toContain('\u001b[32mready');
  expect(lines.filter((line) => /^port \d+ /.test(line))).toHaveLength(1);
  const plain = await top([['admin', keys]], { ...env, NO_COLOR: '1' });
  expect(plain.text).not.toContain('\u001b[32m');
});

test('top filters, and kills and reloads after a question, also without colours', async () => {
  const env = { MILLRACE_RUNTIME_DIR: join(directory, 'run'), NO_COLOR: '1' };
  await using program = start(programOf('hello.cjs'), {
    flags: ['--workers', '2', '--log-level', 'warn'],
    env,
  });
  const port = await portOf(program);
  const pid = await get(port);
  const steps = [
    ['admin', 'f'],
    ['filter: _', 'worker'],
    ["with 'worker'", '\r'],
    ['q quit', 'k'],
    ['choose a process', '\u001b[B'],
    ['>worker:0', '\u001b[B'],
    ['>worker:1', '\u001b[A'],
    ['>worker:0', 'k'],
    ['SIGKILL to worker:0, process', 'n'],
    ['>worker:0', 'k'],
    ['SIGKILL to worker:0, process', 'y'],
    ['SIGKILL has been sent to worker:0', '\u001b'],
    [' manager', 'r'],
    ['reload all workers? y/n', 'y'],
    ['reload: reloaded', ''],
    // What it shows is asked for each second.
    ['(SIGKILL)', 'q'],
  ] as const;
  const { text, code } = await top(steps, env);
  expect(code).toBe(0);
  const last = stripVTControlCharacters(text.split('\u001b[H').at(-1) ?? '');
  expect(last).toMatch(/^>worker:0 .* [12] \(SIGKILL\)/m);
  expect(text).not.toContain('\u001b[32m');
  expect(await get(port)).not.toBe(pid);
});
