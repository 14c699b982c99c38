import { mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillDisk, onSmallDisk, TestClient, whyNoSmallDisk } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { launch } from '../support.js';

/** KiB of the disk, bytes of a value, and those for which a full disk still has room: some of a value's. */
const DISK_KIB = 1_024;
const LARGE = 20_000;
const LEFT = 8_192;

let taskTmpdir: string;
beforeEach(() => {
  taskTmpdir = mkdtempSync(join(tmpdir(), 'millrace-test-'));
});
// What was in it has ended with the server.
afterEach(() => rmdirSync(taskTmpdir));

test('a full taskTmpdir is an error of the tasks that need it, for their callers, until there is room', async ({
  skip,
}) => {
  const why = whyNoSmallDisk();
  if (why !== undefined) skip(why);
  const options = { taskTmpdir, taskLargeValues: 'file' } as const;
  await using program = launch('tasks', options, {}, onSmallDisk(taskTmpdir, DISK_KIB));
  const [, port] = await program.printed(/^listening (\d+)/m);
  const client = await TestClient.connect(Number(port));
  const ask = async (message: unknown) => {
    const [kind, ...json] = (await client.ask(JSON.stringify(message))).split(' ');
    return [kind, JSON.parse(json.join(' ')) as unknown];
  };
  const disk = `/proc/${program.pid}/root${taskTmpdir}`;
  const files = () => readdirSync(disk, { recursive: true, withFileTypes: true }).filter((it) => it.isFile());
  const both = { form: 'sizes', value: [LARGE] };
  const workers = () => program.children().filter(({ title }) => /worker \d/.test(title));

  expect(await ask(both)).toEqual(['result', [LARGE, LARGE, LARGE]]);
  const before = workers().map(({ pid }) => pid);
  expect(before).toHaveLength(2);
  fillDisk(join(disk, 'filler'), LEFT);
  const error = { code: 'ERR_MILLRACE_TASK_TMPDIR', message: expect.stringContaining('Make room there') };
  expect(await ask({ name: 'length', value: 'x'.repeat(LARGE) })).toEqual(['error', error]);
  expect(await ask({ name: 'fill', value: LARGE })).toEqual(['error', error]);
  await program.printed(/"task":"fill".*the result of a task cannot be sent/);
  expect(await ask({ name: 'echo', value: 'small' })).toEqual(['result', 'small']);
  expect(files().map(({ name }) => name)).toEqual(['filler']);
  rmSync(join(disk, 'filler'));
  expect(await ask(both)).toEqual(['result', [LARGE, LARGE, LARGE]]);
  expect(files()).toEqual([]);
  expect(workers().map(({ pid }) => pid)).toEqual(before);
  program.kill('SIGTERM');
  expect(await program.ended()).toEqual({ code: 0, signal: null });
});
