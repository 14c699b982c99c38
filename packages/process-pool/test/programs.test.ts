import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendants, Program, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { fixture } from './support.js';

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
