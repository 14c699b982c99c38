import { isRunning, Program, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { fixture } from '../support.js';

function run(how: string): Program {
  return new Program(fixture('unreferenced'), { args: [how] });
}

test('a program whose pool is unreferenced ends when it has nothing else to do, and the processes with it', async () => {
  await using program = run('runs');
  const [, first, second] = await program.printed(/^pids (\d+) (\d+)/m);
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(program.output).toContain('ends by itself');
  await until('the members to be gone', () => ![first, second].some((pid) => isRunning(Number(pid))));
});

test('neither does the wait for the next process keep it', async () => {
  await using program = run('waits for the next');
  await program.printed(/^waits/m);
  expect(await program.ended()).toMatchObject({ signal: null });
  expect(program.output).toContain('ends by itself');
});

test('stop is waited for all the same', async () => {
  await using program = run('stops');
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(program.output).toContain('stopped');
});

test('a pool that is referenced again keeps its program', async () => {
  await using program = run('is referenced again');
  await program.printed(/^heard .*"echo":"hello"/m);
  expect(program.output).not.toContain('ends by itself');
});
