import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PosixQueue } from '@millrace/msg-queue';
import { until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import type { ServerOptions } from '../../src/index.js';
import { launch } from '../support.js';
import { posted, queueOf, scratch, start } from './queues.js';

/** Of the user and group `nobody` and `nogroup`, which every Linux has. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** A directory that every user may write, and is gone after the test. */
function publicScratch(): string {
  const directory = scratch();
  chmodSync(directory, 0o1777);
  return directory;
}

/** A queue that is not there: whoever opens it first makes it. */
function queueToMake(transport: 'posix-queue' | 'system-v-queue') {
  const queue = queueOf(transport);
  const { taskQueueName: name, taskQueueKey: key } = queue.options as Partial<ServerOptions>;
  if (name !== undefined) PosixQueue.unlink(name);
  /** Whose it is and who may use it, as the kernel says; `pid` has it open. */
  const access = (pid: number) => {
    if (name === undefined) {
      const lines = readFileSync('/proc/sysvipc/msg', 'utf8').split('\n');
      const fields = lines.map((line) => line.trim().split(/\s+/)).find(([first]) => first === String(key));
      return { mode: Number.parseInt(fields?.[2] ?? '', 8), uid: Number(fields?.[7]) };
    }
    // A queue is a file that has no directory here: its descriptor leads to it.
    const files = readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`);
    const { mode, uid } = statSync(files.find((file) => readlinkSync(file).startsWith(name)) ?? '');
    return { mode: mode & 0o777, uid };
  };
  return { ...queue, access };
}

async function refused(options: Partial<ServerOptions>, why: RegExp): Promise<void> {
  await using program = launch('tasks', options);
  await program.printed(why);
  expect((await program.ended()).code).not.toBe(0);
  expect(program.output).toContain('ERR_MILLRACE_START_FAILED');
}

describe.runIf(isRoot).each(['posix-queue', 'system-v-queue'] as const)(
  'a server that root starts, with tasks in a %s',
  (transport) => {
    test('has a queue that is the user’s alone, from which task workers take, also those that replace dead ones', async () => {
      const queue = queueToMake(transport);
      const taskTmpdir = publicScratch();
      const options = { ...queue.options, user: 'nobody', taskTmpdir };
      const { program, send, lines, stats } = await start(options);
      send({ name: 'echo', value: 'small' });
      send({ name: 'length', value: 'x'.repeat(20_000) });
      expect((await lines(2)).sort()).toEqual(['result "small"', 'result 20000']);
      const taskWorker = program.children().find(({ title }) => title === 'millrace: task worker 0');
      const pid = taskWorker?.pid as number;
      expect(statSync(`/proc/${pid}`).uid).toBe(NOBODY);
      expect(await until('the queue to be open', () => queue.access(pid))).toEqual({
        mode: 0o600,
        uid: NOBODY,
      });

      send({ name: 'die' });
      expect((await lines(1))[0]).toContain('ERR_MILLRACE_TASK_WORKER_DIED');
      queue.open().trySend(posted('fail', ''));
      await until('the task of root', async () => (await stats()).taskOrphanFailedCount === 1);
      send({ name: 'echo', value: 'y'.repeat(10_000) });
      expect(await lines(1)).toEqual([`result "${'y'.repeat(10_000)}"`]);
      program.kill('SIGTERM');
      await program.ended();
      expect(readdirSync(taskTmpdir)).toEqual([]);
    });

    test('does not start where the user may not use the queue, or the directory of large values', async () => {
      const made = queueOf(transport);
      made.open();
      const forbidden = { ...made.options, user: 'nobody', taskTmpdir: publicScratch() };
      await refused(forbidden, /ERR_MILLRACE_QUEUE_ACCESS/);
      // Root makes it, and it is root's.
      const taskTmpdir = join(scratch(), 'missing');
      await refused(
        { ...queueToMake(transport).options, user: 'nobody', taskTmpdir },
        /ERR_MILLRACE_TASK_TMPDIR/,
      );
    });

    test('does not start with a queue of another user, unless taskQueueTrustedUsers names that user', async () => {
      const queue = queueToMake(transport);
      process.seteuid?.(65_533);
      try {
        queue.open();
      } finally {
        process.seteuid?.(0);
      }
      const options = { ...queue.options, taskTmpdir: publicScratch() };
      await using refusing = launch('tasks', options);
      await refusing.printed(/ERR_MILLRACE_QUEUE_OWNER/);
      expect((await refusing.ended()).code).not.toBe(0);
      expect(refusing.output).toContain('belongs to user 65533');
      const { send, lines } = await start({ ...options, taskQueueTrustedUsers: [65_533] });
      send({ name: 'echo', value: 'trusted' });
      expect(await lines(1)).toEqual(['result "trusted"']);
    });

    test('keeps its files inside of the new root directory, and finds the queue from there', async () => {
      const queue = queueToMake(transport);
      const chroot = scratch();
      mkdirSync(join(chroot, 'tasks'));
      chmodSync(join(chroot, 'tasks'), 0o1777);
      chmodSync(chroot, 0o755);
      const identity = { user: NOBODY, group: NOBODY, chroot };
      const { program, send, lines } = await start({ ...queue.options, ...identity, taskTmpdir: '/tasks' });
      send({ name: 'files', value: { directory: '/', padding: '' } });
      const [files] = await lines(1);
      expect(files).toMatch(/^result \["tasks","tasks\/millrace-tasks-queue-[\w-]+-[0-9a-f]{32}"\]$/);
      send({ name: 'length', value: 'x'.repeat(20_000) });
      expect(await lines(1)).toEqual(['result 20000']);
      program.kill('SIGTERM');
      await program.ended();
      expect(readdirSync(join(chroot, 'tasks'))).toEqual([]);
    });
  },
);
