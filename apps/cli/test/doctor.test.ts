import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findingsOf } from '../src/doctor/findings.js';
import { type Machine, readMachine } from '../src/doctor/machine.js';
import { millrace } from './millrace.js';
import { portOf, programOf, start } from './support.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-doctor-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const GOOD: Machine = {
  node: 'v20.19.0',
  openFiles: { soft: 1_024, hard: 524_288 },
  somaxconn: 4_096,
  synBacklog: 128,
  synCookies: 1,
  overcommit: 0,
  systemVQueueBytes: 16_384,
  posixQueueMessages: 10,
  hidesProcesses: false,
  memory: 16 * 2 ** 30,
  memoryLimit: undefined,
  processLimit: undefined,
  quota: undefined,
  processors: 4,
};
const WANTED = { connections: 10_000, processes: undefined, isRoot: false };

test('nothing is found on a machine that has what a server needs', () => {
  expect(findingsOf(GOOD, WANTED)).toEqual([]);
});

test.each<[string, Partial<Machine>, string]>([
  ['node', { node: 'v18.20.4' }, 'npx n 24'],
  ['open-files', { openFiles: { soft: 1_024, hard: 4_096 } }, 'ulimit -n 10064'],
  ['somaxconn', { somaxconn: 128 }, 'sysctl -w net.core.somaxconn=4096'],
  ['syn-backlog', { synCookies: 0 }, 'sysctl -w net.ipv4.tcp_syncookies=1'],
  ['overcommit', { overcommit: 2 }, 'sysctl -w vm.overcommit_memory=0'],
  ['hidepid', { hidesProcesses: true }, 'mount -o remount,hidepid=0 /proc'],
  ['memory', { memoryLimit: 700 << 20 }, 'millrace start --workers 2'],
  ['processes', { processLimit: 50 }, 'TasksMax=198'],
  ['processors', { quota: 1.5 }, 'millrace start --workers 2'],
])('%s is found, and the command that mends it', (id, machine, mend) => {
  const [finding, ...more] = findingsOf({ ...GOOD, ...machine }, WANTED);
  expect(more).toEqual([]);
  expect(finding).toMatchObject({ id, mend: expect.stringContaining(mend) });
});

test.each([
  ['sysv', 'msgmnb', 'sysctl -w kernel.msgmnb=1048576'],
  ['posix', 'mqueue', 'sysctl -w fs.mqueue.msg_max=100 '],
] as const)(
  'where tasks travel in a queue of the kind %s, %s is found, and the command that mends it',
  (taskQueue, id, mend) => {
    expect(findingsOf(GOOD, { ...WANTED, taskQueue })).toMatchObject([
      { id, mend: expect.stringContaining(mend) },
    ]);
    const raised = { ...GOOD, systemVQueueBytes: 1 << 20, posixQueueMessages: 100 };
    expect(findingsOf(raised, { ...WANTED, taskQueue })).toEqual([]);
  },
);

test('what a server that runs has is what counts', () => {
  const machine = { ...GOOD, openFiles: { soft: 1_024, hard: 4_096 }, quota: 1 };
  expect(findingsOf(machine, { connections: 1_000, processes: 3, isRoot: true })).toEqual([]);
});

describe('what the kernel tells', () => {
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  };

  test('is read, in the control group of the process', () => {
    put(
      'proc/7/limits',
      'Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n',
    );
    put('proc/7/cgroup', '0::/app.slice\n');
    put('proc/mounts', 'proc /proc proc rw,nosuid,hidepid=invisible 0 0\n');
    put('proc/sys/net/core/somaxconn', '128\n');
    put('sys/fs/cgroup/app.slice/memory.max', '536870912\n');
    put('sys/fs/cgroup/app.slice/pids.max', 'max\n');
    put('sys/fs/cgroup/app.slice/cpu.max', '150000 100000\n');
    expect(readMachine(7, directory)).toMatchObject({
      openFiles: { soft: 1_024, hard: 4_096 },
      somaxconn: 128,
      synCookies: undefined,
      hidesProcesses: true,
      memoryLimit: 512 << 20,
      processLimit: undefined,
      quota: 1.5,
    });
  });

  test('may be nothing, which is no finding', () => {
    expect(findingsOf({ ...readMachine(7, directory), memory: 2 ** 36 }, WANTED)).toEqual([]);
  });
});

test('doctor works without a server and with one, and its exit code says whether there is something', async () => {
  const env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
  const without = await millrace(['doctor', '--json'], env);
  const { server, findings } = JSON.parse(without.stdout);
  expect([server, without.code]).toEqual([null, findings.length > 0 ? 1 : 0]);
  await using program = start(programOf('hello.cjs'), {
    flags: ['--workers', '1'],
    env,
    through: ['prlimit', '--nofile=4096:4096'],
  });
  await portOf(program);
  const found = await millrace(['doctor'], env);
  expect(found.code).toBe(1);
  expect(found.stdout).toContain('open-files: A process may have 4,096 open files.');
  expect(JSON.parse((await millrace(['doctor', 'hello', '--json'], env)).stdout).server).toBe('hello');
  expect((await millrace(['doctor', 'none'], env)).code).toBe(3);
});
