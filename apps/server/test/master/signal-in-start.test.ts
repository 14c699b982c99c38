import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, type Program, until } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { launch } from '../support.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-start-'));
  mkdirSync(join(directory, 'tmp'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const pidFile = () => join(directory, 'pid');
const options = () => ({ pidFile: pidFile(), taskTmpdir: join(directory, 'tmp') });
const segments = () => readdirSync('/dev/shm').filter((name) => name.includes('millrace'));

/** A server in its start, with a unix socket. */
const starting = (env: NodeJS.ProcessEnv, more = {}) =>
  launch(
    'starting',
    { ...options(), port: undefined, path: join(directory, 'socket'), ...more } as object,
    env,
  );

/** Nothing is left of it, and its start was neither through nor a failure. */
function nothingLeft(program: Program, pids: readonly number[]): void {
  expect(pids.filter(isRunning)).toEqual([]);
  expect(readdirSync(directory)).toEqual(['tmp']);
  expect(readdirSync(join(directory, 'tmp'))).toEqual([]);
  expect(program.output).not.toMatch(
    /^master start|event (start|beforeShutdown|shutdown)$|abnormal exit|Error/m,
  );
}

const STAGES = ['pid file', 'managerStart', 'workerStart', 'taskWorkerStart'] as const;

for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)
  test.each(STAGES)(
    `${signal} in the start, at the stage '%s', ends it in order and leaves nothing`,
    async (stage) => {
      const before = segments();
      await using program = starting({ HANGS: stage });
      if (stage === 'pid file') await until('the pid file', () => existsSync(pidFile()));
      else await program.printed(new RegExp(`event ${stage}$`, 'm'));
      const pids = program.children().map(({ pid }) => pid);
      program.kill(signal);
      expect(await program.ended()).toEqual({ code: 0, signal: null });
      nothingLeft(program, pids);
      expect(segments()).toEqual(before);
    },
  );

test('what a reactor thread takes is not closed before it has it, however long it takes to come up', async () => {
  await using program = starting({ HANGS: 'pid file' }, { maxWaitTime: 1 });
  await until('the pid file', () => existsSync(pidFile()));
  program.kill('SIGTERM');
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(program.output).not.toMatch(/reactor thread/);
});

test('SIGTERM to the whole group in the start ends it in order as well', async () => {
  await using program = launch('starting', { ...options(), port: 0 }, { HANGS: 'workerStart' }, ['setsid']);
  await program.printed(/event workerStart$/m);
  const pids = program.children().map(({ pid }) => pid);
  process.kill(-program.pid, 'SIGTERM');
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  nothingLeft(program, pids);
});

test('SIGTERM to a daemon in its start ends it in order and leaves nothing but its log', async () => {
  const logFile = join(directory, 'tmp', 'log');
  await using program = starting({ HANGS: 'workerStart' }, { daemonize: true, logFile });
  await until(
    'the daemon',
    () => existsSync(logFile) && /event workerStart$/m.test(readFileSync(logFile, 'utf8')),
  );
  const pid = Number(readFileSync(pidFile(), 'utf8'));
  process.kill(pid, 'SIGTERM');
  await until('its end', () => !isRunning(pid));
  await until('the launcher', () => !isRunning(program.pid));
  rmSync(logFile);
  expect(readdirSync(directory)).toEqual(['tmp']);
  expect(readdirSync(join(directory, 'tmp'))).toEqual([]);
});

const managersOf = (program: Program) =>
  program.children().filter(({ title, state }) => title === 'millrace: manager' && state !== 'Z');

test('a manager that is killed from outside while it boots, again and again, does not end the start', async () => {
  await using program = launch('life', { workerNum: 1 }, { SLOW_START: '300' });
  const killed = new Set<number>();
  await until('six managers', () => {
    for (const { pid } of managersOf(program)) {
      if (killed.has(pid) || killed.size === 6) continue;
      killed.add(pid);
      process.kill(pid, 'SIGKILL');
    }
    return killed.size === 6;
  });
  await program.printed(/^listening/m);
  expect(program.output).not.toMatch(/the server ends|start failed/);
});

test('a manager that is told to end alone by SIGTERM while its processes start does not end the start', async () => {
  await using program = starting({ HANGS: 'workerStart' }, { maxWaitTime: 200 });
  for (let round = 1; round <= 3; round++) {
    await until('workerStart', () => (program.output.match(/event workerStart$/gm) ?? []).length === round);
    const [manager] = managersOf(program);
    process.kill(manager?.pid as number, 'SIGTERM');
    await until('its end', () => !isRunning(manager?.pid as number));
  }
  await until('the fourth', () => (program.output.match(/event workerStart$/gm) ?? []).length === 4);
  expect(program.output).not.toMatch(/start failed|the server ends/);
  program.kill('SIGTERM');
  expect(await program.ended()).toEqual({ code: 0, signal: null });
});

test('shutdown() in the start rejects the start with ERR_MILLRACE_STOPPED, and leaves nothing', async () => {
  await using program = starting({ HANGS: 'workerStart', SHUTDOWN_AFTER: '300' });
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(program.output).toMatch(/^master start failed ERR_MILLRACE_STOPPED$/m);
  expect(readdirSync(directory)).toEqual(['tmp']);
});

test.each(['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)(
  '%s in the start is a reload that runs when the start is through',
  async (signal) => {
    await using program = launch('life', { workerNum: 1, taskWorkerNum: 1 }, { SLOW_START: '400' });
    await program.printed(/event workerStart/);
    program.kill(signal);
    await program.printed(/event afterReload/);
    const replaced = signal === 'SIGUSR2' ? 1 : 2;
    expect(program.output).toContain(
      `event afterReload ${JSON.stringify({ outcome: 'reloaded', replaced })}`,
    );
    const [start] = program.output.split('event beforeReload');
    expect(start?.match(/event workerStart/g)).toHaveLength(2);
    await program.printed(/^listening/m);
    program.kill('SIGTERM');
    expect(await program.ended()).toEqual({ code: 0, signal: null });
  },
);
