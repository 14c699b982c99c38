import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import type { ServerOptions } from '../../src/index.js';
import { fixture, inMode } from '../support.js';

/** What is printed by a server that cannot start, without the log's lines; those are `lines`. */
async function printed(how: string, options: object = {}, env: NodeJS.ProcessEnv = {}) {
  const args = [how, JSON.stringify({ ...inMode({}), ...options })];
  await using program = new Program(fixture('wrong-start'), { args, env });
  const { code } = await program.ended();
  expect(code).toBe(1);
  const all = program.output.trimEnd().split('\n');
  const isOfTheLog = (line: string) => line.startsWith('{"level"');
  const text = all.filter((line) => !isOfTheLog(line)).join('\n');
  return { text, lines: all.filter(isOfTheLog) };
}

test.each<[object, string, string?]>([
  [{ workerNmu: 2 }, "There is no option 'workerNmu'; did you mean 'workerNum'?", 'ArgumentError'],
  [
    { entry: '/no/such/server.js' },
    'The option \'entry\' cannot be "/no/such/server.js": the path of a file that there is',
  ],
  [{ workerNum: 0 }, "The option 'workerNum' cannot be 0"],
  [
    { framing: { kind: 'eol' } },
    "The option 'framing.kind' cannot be \"eol\": one of 'none', 'eof', 'length' and 'function'.",
  ],
  [{ listeners: 3 }, "There is no option 'listeners'; there are: ", 'ArgumentError'],
  [
    { framing: 'eof' },
    "The option 'framing' cannot be \"eof\": an object, as { kind: 'none' }, { kind: 'eof',",
  ],
])(
  'a wrong option, %j, is a few lines, at the place of the program',
  async (options, message, name = 'ServerError') => {
    const { text } = await printed('', options);
    expect(text).toContain(`${name}: ${message}`);
    expect(text).toMatch(
      /\n {4}at file:.*wrong-start\.js:\d+:\d+ \{\n {2}code: 'ERR_MILLRACE_\w+'(,\n {2}\w+: [^\n]+)*\n\}/,
    );
    expect(text.match(/^ {4}at /gm)).toHaveLength(1);
  },
);

test.each([
  ['entry', 'no module today'],
  ['workerStart', 'no database today'],
  ['managerStart', 'no manager today'],
])(
  'what %s throws in one of the first processes is shown once, with its own stack, and last',
  async (how, message) => {
    const { text } = await printed(how);
    expect(text.match(new RegExp(`TypeError: ${message}`, 'g'))).toHaveLength(1);
    expect(text).toMatch(/code: 'ERR_MILLRACE_START_FAILED'/);
    expect(text).toMatch(/\[cause\]: TypeError: .* today\n {6}at .*wrong-start\.js/);
    expect(text.slice(text.indexOf('[cause]'))).not.toMatch(/ServerError/);
  },
);

test('a process that ends by a signal of its own in the first start is named', async () => {
  const { text, lines } = await printed('aborted');
  expect(text).toMatch(/ServerError: worker \d ended before it was ready, by SIGABRT/);
  // Beside what the program prints of it, the log has one line.
  expect(lines.filter((line) => /The server ends/.test(line))).toEqual([
    expect.stringContaining('The server ends.'),
  ]);
  expect(text.match(/^ +at /gm)).toHaveLength(1);
});

test('a task that a worker has asked for is rejected when the task workers have failed in their start, and is not waited for', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-wrong-start-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const options = { workerNum: 1, taskWorkerNum: 1, maxWaitTime: 60_000 };
  const { text, lines } = await printed('taskWorkerStart', options, { ASKED: join(directory, 'asked') });
  expect(text).toContain(
    'ERR_MILLRACE_TASK_POOL_FAILED: No task worker is left: task worker 0 has failed in its start: no task worker today. The server ends.',
  );
  expect(lines.join('\n')).not.toContain('has not come to its end');
});

test('options that differ between the processes are named', async () => {
  const { text } = await printed('differs');
  expect(text).toMatch(/The option 'workerNum' is 3 in this process, and 2 in the one that has started it/);
});

test.each<[Partial<ServerOptions>, string]>([
  [{ user: 54_321 }, 'No line of /etc/passwd is of user 54321'],
  [{ user: 'no-such-user' }, "There is no user 'no-such-user' on this machine"],
  [{ group: 'no-such-group' }, "There is no group 'no-such-group' on this machine"],
  [{ logFile: '/no/such/directory/log' }, "The logFile '/no/such/directory/log' cannot be opened: ENOENT"],
])('%j is named by the master, and once', async (options, message) => {
  const { text, lines } = await printed('', options);
  expect(text).toContain(message);
  expect(text.match(/^ {4}at /gm)).toHaveLength(1);
  expect(lines).toEqual([]);
});

test('a program that cannot be executed is no force kill', async () => {
  const { text, lines } = await printed('binary', { spares: 0 });
  expect(lines.join('\n')).not.toMatch(/force kill/);
  expect(`${lines.join('\n')}\n${text}`).toMatch(/no\/such\/node/);
});
