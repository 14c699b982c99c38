import { Program } from '@millrace/testkit';
import { expect, test } from 'vitest';

const PROGRAM = new URL('../../bin/millrace-tasks.js', import.meta.url);
const QUEUE = ['--queue', 'redis://127.0.0.1:1'];

async function run(...args: readonly string[]) {
  await using program = new Program(PROGRAM, { args });
  const { code } = await program.ended();
  return { code, output: program.output };
}

test.each([
  ['no module', QUEUE, /missing required argument 'module'/],
  ['no queue', ['./tasks.js'], /required option '--queue <address>'/],
  ['a queue without an address', ['./tasks.js', '--queue'], /'--queue <address>' argument missing/],
  ['a queue of an engine that there is not', ['./tasks.js', '--queue', 'amqp://host'], /'amqp:\/\/host'/],
  ['an option that there is not', ['./tasks.js', ...QUEUE, '--sizes', '3'], /unknown option '--sizes'/],
  ['no number', ['./tasks.js', ...QUEUE, '--size', 'two'], /'--size <number>'.*'two'.*whole number above 0/],
  ['part of a number', ['./tasks.js', ...QUEUE, '--drain', '1.5'], /'--drain <ms>'.*'1\.5'/],
  ['nothing', ['./tasks.js', ...QUEUE, '--concurrency', '0'], /'--concurrency <number>'.*'0'/],
  ['less than nothing', ['./tasks.js', ...QUEUE, '--grace=-5'], /'--grace <ms>'.*'-5'/],
])('wrong arguments end the program, and are named without a stack: %s', async (_, args, says) => {
  const { code, output } = await run(...args);
  expect(code).toBe(1);
  expect(output).toMatch(says);
  expect(output).not.toMatch(/\n\s+at /);
});

test('a module that there is not ends the program before a task process is started', async () => {
  const { code, output } = await run('/nowhere/tasks.js', ...QUEUE, '--size', '1');
  expect(code).toBe(1);
  expect(output).toMatch(
    /^millrace-tasks: The module of the tasks cannot be read: ENOENT.*\/nowhere\/tasks\.js/,
  );
  expect(output).not.toContain('task process');
});

test('it says what it takes', async () => {
  const { code, output } = await run('--help');
  expect(code).toBe(0);
  for (const option of ['--queue', '--name', '--size', '--concurrency', '--grace', '--drain'])
    expect(output).toContain(option);
});
