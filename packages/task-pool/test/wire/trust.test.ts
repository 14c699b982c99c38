/** What other users of the machine may have put into `taskTmpdir`, or take away from it. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { PrivateDirectory, pidNamespace } from '@millrace/native/internal';
import { LargeValueFiles } from '@millrace/task-pool/internal';
import { canBeOthers, OTHER_USER } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { over, scratch, startPool } from '../support.js';

/** A place as /tmp is. */
function shared(): string {
  const directory = scratch();
  chmodSync(directory, 0o1777);
  return directory;
}

/** The name that the directory of a dead process has. */
const deadName = (end = '0') => `millrace-tasks-${pidNamespace()}-4194305-1-${end}`;
const LARGE = 'x'.repeat(20_000);
const taken = (directory: LargeValueFiles, named: string) => () => directory.take(named);
const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'ERR_MILLRACE_TASK_TMPDIR', message: expect.stringMatching(message) });

test.each(['ring', 'pipe', 'posix-queue', 'system-v-queue'] as const)(
  'a pool over %s has its directory from the start, for its user alone, and makes it anew when something cleans it',
  async (transport) => {
    const taskTmpdir = shared();
    const pool = startPool({ size: 1, taskTmpdir, largeValues: 'file', ...over(transport) });
    const [name] = readdirSync(taskTmpdir) as [string];
    expect(name).toMatch(/^millrace-tasks-.*-[0-9a-f]{32}$/);
    expect(statSync(join(taskTmpdir, name)).mode & 0o777).toBe(0o700);
    expect(await pool.run('echo', LARGE)).toBe(LARGE);
    rmSync(join(taskTmpdir, name), { recursive: true });
    expect(await pool.run('echo', LARGE)).toBe(LARGE);
    expect(statSync(join(taskTmpdir, name)).mode & 0o777).toBe(0o700);
    await pool.close();
    expect(readdirSync(taskTmpdir)).toEqual([]);
  },
);

test('the sweep of a start removes nothing of this user’s where others may have given it that name', () => {
  for (const [mode, owner, swept] of [
    [0o755, 0, true],
    [0o1777, 0, true],
    [0o777, 0, false],
    [0o775, 0, false],
    ...(canBeOthers
      ? ([
          [0o755, OTHER_USER, false],
          [0o1777, OTHER_USER, false],
        ] as const)
      : []),
  ] as const) {
    const taskTmpdir = scratch();
    // A directory of this user’s, which another one has renamed.
    const renamed = join(taskTmpdir, deadName());
    mkdirSync(renamed, { mode: 0o700 });
    writeFileSync(join(renamed, 'backup-1'), 'kept');
    chmodSync(taskTmpdir, mode);
    if (canBeOthers) chownSync(taskTmpdir, owner, owner);
    LargeValueFiles.plan(taskTmpdir, 'own');
    expect([mode, owner, existsSync(join(renamed, 'backup-1'))]).toEqual([mode, owner, !swept]);
  }
});

test('the sweep of a start follows no link, and removes no file that is no value', () => {
  const taskTmpdir = shared();
  const victim = scratch();
  writeFileSync(join(victim, 'worker-0-1-0'), 'kept');
  symlinkSync(victim, join(taskTmpdir, deadName('link')));
  const left = join(taskTmpdir, deadName('left'));
  mkdirSync(left, { mode: 0o700 });
  writeFileSync(join(left, 'worker-0-1-0'), '');
  symlinkSync(join(victim, 'worker-0-1-0'), join(left, 'pool-1'));
  const other = join(taskTmpdir, deadName('other'));
  mkdirSync(other, { mode: 0o700 });
  writeFileSync(join(other, 'Thesis.txt'), 'kept');
  LargeValueFiles.plan(taskTmpdir, 'own');
  expect(readdirSync(taskTmpdir).sort()).toEqual([deadName('link'), deadName('other')].sort());
  expect(readFileSync(join(victim, 'worker-0-1-0'), 'utf8')).toBe('kept');
  expect(readdirSync(other)).toEqual(['Thesis.txt']);
});

test('a message can name a regular file in the directory, and nothing else', () => {
  const secret = join(scratch(), 'secret');
  writeFileSync(secret, 'not yours');
  const directory = LargeValueFiles.planShared(shared(), 'tasks', 'pool');
  directory.make();
  const { path } = directory;
  symlinkSync(secret, join(path, 'link'));
  execFileSync('mkfifo', [join(path, 'fifo')]);
  mkdirSync(join(path, 'inner'));
  for (const named of [
    secret,
    `${path}/../${secret}`,
    '../secret',
    `${path}/inner/x`,
    '/etc/passwd',
    '',
    '.',
    '..',
  ])
    expect(taken(directory, named), named).toThrow(refusal(/not in|no name of a file/));
  expect(taken(directory, 'link')).toThrow(refusal(/ELOOP/));
  for (const named of ['fifo', join(path, 'inner')])
    expect(taken(directory, named)).toThrow(refusal(/not a regular file/));
  expect(existsSync(secret)).toBe(true);
  writeFileSync(join(path, 'value'), 'mine');
  expect(directory.take(join(path, 'value')).toString()).toBe('mine');
  expect(existsSync(join(path, 'value'))).toBe(false);
  directory.close();
});

test('the directory of a queue is found again by the next that uses it, and not by one of a longer title', () => {
  const taskTmpdir = shared();
  const first = LargeValueFiles.planShared(taskTmpdir, 'tasks', 'pool');
  first.make();
  expect(LargeValueFiles.planShared(taskTmpdir, 'tasks', 'pool').path).toBe(first.path);
  expect(LargeValueFiles.planShared(taskTmpdir, 'tasks-more', 'pool').path).not.toContain(first.path);
  first.remove();
});

test.runIf(canBeOthers)('what another user has made is neither used, nor read, nor removed', () => {
  const taskTmpdir = shared();
  const theirs = (name: string) => {
    const path = join(taskTmpdir, name);
    mkdirSync(path, { mode: 0o700 });
    writeFileSync(join(path, 'worker-0-1-0'), 'kept');
    chownSync(path, OTHER_USER, OTHER_USER);
    return path;
  };
  const dead = theirs(deadName('theirs'));
  const queue = theirs(PrivateDirectory.newName('millrace-tasks-queue-tasks-'));
  const directory = LargeValueFiles.planShared(taskTmpdir, 'tasks', 'pool');
  expect(directory.path).not.toBe(queue);
  // As if the name had been seen, and made between a cleaning and the next value.
  const early = theirs(directory.path.slice(taskTmpdir.length + 1));
  for (const use of [
    () => directory.make(),
    () => directory.write(Buffer.from('x'), 0, 1),
    taken(directory, 'worker-0-1-0'),
    () => directory.removeOf('worker'),
  ])
    expect(use).toThrow(
      refusal(/belongs to user 65534, and not to user 0\. Remove it, or use another place/),
    );
  directory.remove();
  for (const path of [dead, queue, early]) expect(readdirSync(path)).toEqual(['worker-0-1-0']);

  const own = LargeValueFiles.planShared(taskTmpdir, 'own', 'pool');
  own.make();
  writeFileSync(join(own.path, 'value'), 'theirs');
  chownSync(join(own.path, 'value'), OTHER_USER, OTHER_USER);
  expect(taken(own, 'value')).toThrow(refusal(/belongs to user 65534/));
  own.remove();
});
