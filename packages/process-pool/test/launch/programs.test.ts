import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendants, Program, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { fixture } from '../support.js';

test('orphans of a process that adopts them are reaped, and the ends of its own children are told to it', async () => {
  const program = new Program(fixture('reaps'));
  await until(
    'all to be reaped',
    () => program.count(/^reaped \d+$/gm) === 20 && program.count(/^child 4$/gm) === 20,
  );
  const pids = (pattern: RegExp) => [...program.output.matchAll(pattern)].map(([, pid]) => pid).sort();
  expect(pids(/^reaped (\d+)$/gm)).toEqual(pids(/^orphan (\d+)$/gm));
  expect(descendants(program.pid)).toEqual([]);
  await program[Symbol.asyncDispose]();
});

test('a daemon goes on in a session of its own, where it is told to, with its output in a file; what started it exits with 0', async () => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-daemon-')));
  const note = join(directory, 'note');
  const program = new Program(fixture('daemon'), { args: [directory, note] });
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(program.output).toBe('before\n');
  const { pid, cwd, left } = await until(
    'the daemon',
    () => existsSync(note) && JSON.parse(readFileSync(note, 'utf8')),
  );
  try {
    expect(pid).not.toBe(program.pid);
    expect([cwd, left]).toEqual([directory, null]);
    expect(readFileSync(`${note}.log`, 'utf8')).toBe('before\nafter\n');
    // Session id: the sixth field of /proc/PID/stat.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]).toBe(String(pid));
  } finally {
    process.kill(pid, 'SIGKILL');
    rmSync(directory, { recursive: true });
  }
});

/** Starts the daemon of the fixtures by `node OPTIONS` in `directory`, and ends it with the test. */
async function daemonOf(directory: string, options: readonly string[], how: string) {
  const note = join(directory, 'note');
  const [first = '', ...rest] = [...options, fixture('daemon'), '/', note, how];
  const program = new Program(first, { args: rest, through: ['env', '-C', directory] });
  const { code } = await program.ended();
  const it = existsSync(note) ? JSON.parse(readFileSync(note, 'utf8')) : undefined;
  if (it) process.kill(it.pid, 'SIGKILL');
  return { code, it, output: program.output };
}

test('what started a daemon exits with 0 once that is up, its relative options included', async () => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-daemon-')));
  writeFileSync(join(directory, 'imported.mjs'), "globalThis.preloaded = ['imported'];\n");
  const options = ['--import', './imported.mjs', '--title', 'mine'];
  const { code, it } = await daemonOf(directory, options, 'wait');
  expect(code).toBe(0);
  expect(it).toMatchObject({ cwd: '/', left: null, preloaded: ['imported'] });
  rmSync(directory, { recursive: true });
});

test('what started a daemon that does not come up exits with another code, and says why', async () => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-daemon-')));
  const thrown = await daemonOf(directory, [], 'throw');
  expect(thrown.code).toBe(1);
  expect(thrown.output).toMatch(/Error: a daemon that throws\n {4}at/);
  expect(thrown.output).toMatch(/The daemon ended with code 1 before it was up\.\n$/);
  const left = await daemonOf(directory, [], 'exit');
  expect(left).toMatchObject({ code: 1, it: undefined });
  expect(left.output).toMatch(/The daemon ended with code 0 before it was up/);
  rmSync(directory, { recursive: true });
});
