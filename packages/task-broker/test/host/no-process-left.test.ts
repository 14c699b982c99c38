import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServeOptions, serveTasks, type TaskHost } from '@millrace/task-broker';
import { until } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeEngine } from './fake-engine.js';

const MODULE = new URL('../../dist/contract-tasks.js', import.meta.url);

let directory: string;
let engine: FakeEngine;
let host: TaskHost;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-host-'));
  engine = new FakeEngine();
});
afterEach(async () => {
  await host.close({ timeout: 0 });
  rmSync(directory, { recursive: true, force: true });
});

async function serve(options: Omit<ServeOptions, 'engine'>): Promise<void> {
  host = serveTasks(MODULE, { engine, restart: { when: 'never' }, ...options });
  await host.ready();
}

const begun = () => join(directory, 'begun');
const runs = () => readFileSync(begun(), 'utf8').trim().split('\n').map(Number);

/** Gives the host a task that never ends; resolves when it runs, with the process that does. */
async function beginOne(): Promise<{ readonly id: string; readonly pid: number }> {
  rmSync(begun(), { force: true });
  const id = engine.give('gate', { begun: begun(), open: join(directory, 'never') }, { retries: 1 });
  const pid = await until('the task to begin', () => {
    try {
      // The file is there before the pid is in it, and a signal to 0 is one to all of this group.
      return runs()[0] || undefined;
    } catch {
      return undefined;
    }
  });
  return { id, pid };
}

async function killOne(): Promise<void> {
  const { pid } = await beginOne();
  process.kill(pid, 'SIGKILL');
}

test('a host claims for the task processes that are there, and for no other', async () => {
  await serve({ size: 2, concurrency: 2 });
  await until('a request for each', () => engine.waiting.size === 4);
  expect(host.stats().slots).toBe(4);
  await killOne();
  await until(
    'the requests of the one that is left',
    () => engine.waiting.size === 2 && engine.settled.length === 1,
  );
  expect(host.stats()).toMatchObject({ slots: 2, failed: false });
  expect(engine.settled).toMatchObject([{ settlement: { kind: 'again' } }]);
  // It runs tasks as before.
  const id = engine.give('double', 4);
  await until('its end', () => engine.fateOf(id)?.kind === 'done');
  await until('two requests again', () => engine.waiting.size === 2);
});

test('claims are made again when a process that died is there again', async () => {
  await serve({ size: 1, concurrency: 2, restart: {} });
  await until('both requests', () => engine.waiting.size === 2);
  await killOne();
  await until(
    'both requests, of the next process',
    () => host.stats().workers[0]?.starts === 2 && engine.waiting.size === 2,
  );
  const id = engine.give('double', 4);
  await until('its end', () => engine.fateOf(id)?.kind === 'done');
});

test('a host without a task process claims nothing more, and says so', async () => {
  await serve({ size: 1 });
  const failed: Error[] = [];
  host.on('failed', (error) => failed.push(error));
  await until('a request', () => engine.waiting.size === 1);
  await killOne();
  await until('the host to say so', () => failed.length === 1);
  expect(failed[0]).toMatchObject({ code: 'ERR_MILLRACE_TASK_POOL_FAILED' });
  expect(engine.waiting.size).toBe(0);
  expect(host.stats()).toMatchObject({ slots: 0, failed: true, running: 0 });
});

test('what it is given after that was not begun, and no caller is told that it failed', async () => {
  engine.keepsRequests = true;
  await serve({ size: 1, concurrency: 3 });
  await until('the requests', () => engine.waiting.size === 3);
  await killOne();
  await until('the process to be gone', () => host.stats().failed);
  const late = [engine.give('double', 1), engine.give('double', 2)];
  await until('both to be given back', () => late.every((id) => engine.fateOf(id) !== undefined));
  expect(late.map((id) => engine.fateOf(id))).toEqual([{ kind: 'unbegun' }, { kind: 'unbegun' }]);
  expect(engine.settled.every(({ another }) => !another)).toBe(true);
  expect(engine.replies).toEqual([]);
});

test('what has not begun when the last process dies goes to other hosts, and does not wait for the next', async () => {
  engine.keepsRequests = true;
  await serve({ size: 1, concurrency: 3, restart: {} });
  await until('the requests', () => engine.waiting.size === 3);
  const { id: held, pid } = await beginOne();
  // It takes nothing more, and is not dead.
  process.kill(pid, 'SIGSTOP');
  const behind = engine.give('double', 1);
  const late = new Promise<string>((resolve) => {
    host.once('workerExit', () => resolve(engine.give('double', 2)));
  });
  process.kill(pid, 'SIGKILL');
  await until('all to be given back', () => engine.settled.length === 3);
  expect(engine.fateOf(held)).toMatchObject({ kind: 'again' });
  expect(engine.fateOf(behind)).toEqual({ kind: 'unbegun' });
  expect(engine.fateOf(await late)).toEqual({ kind: 'unbegun' });
  expect(engine.replies).toEqual([]);
});
