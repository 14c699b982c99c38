import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, until } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { launch } from '../support.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-accepting-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const path = () => join(directory, 'socket');
const starting = (HANGS: string, more = {}, env = {}) =>
  launch('starting', { port: undefined, path: path(), logLevel: 'info', ...more } as object, {
    HANGS,
    ...env,
  });

/** A client that keeps what it is answered. */
function client(): Socket & { answers: string } {
  const socket = Object.assign(connect(path()), { answers: '' });
  socket.on('data', (data) => {
    socket.answers += data;
  });
  return socket.on('error', () => {});
}

const taskWorker = (program: Program) =>
  program.children().find(({ title }) => title.includes('task worker'))?.pid as number;

test('clients are served while a task worker still starts, their tasks wait for it, and the start for all', async () => {
  await using program = starting('taskWorkerStart');
  await program.printed(/event taskWorkerStart$/m);
  const one = client();
  one.write('echo');
  await until('an answer', () => one.answers === 'echo');
  one.write('task');
  expect(program.output).not.toMatch(/event start$|ready in/m);
  process.kill(taskWorker(program), 'SIGCONT');
  await until('the answer of a task', () => one.answers === 'echotask');
  await program.printed(/master started/);
  await program.printed(/ready in \d+ ms \(master \d+, manager \d+, workers \d+\)/);
  one.destroy();
});

test('a server that is told to end while it serves and a task worker still starts answers what it has', async () => {
  await using program = starting('taskWorkerStart');
  await program.printed(/event taskWorkerStart$/m);
  const one = client();
  one.write('echo');
  await until('an answer', () => one.answers === 'echo');
  program.kill('SIGTERM');
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  await until('the end of its connection', () => one.closed);
});

test('a task worker that fails in its start ends the server that serves already', async () => {
  await using program = starting('taskWorkerStart', {}, { FAILS: 'not today' });
  await program.printed(/event taskWorkerStart$/m);
  const one = client();
  one.write('echo');
  await until('an answer', () => one.answers === 'echo');
  process.kill(taskWorker(program), 'SIGCONT');
  await program.printed(/master start failed ERR_MILLRACE_START_FAILED/);
  await until('the end of its connection', () => one.closed);
});

test('no client is served before the workers are up', async () => {
  await using program = starting('workerStart');
  await program.printed(/event workerStart$/m);
  const one = client();
  one.write('echo');
  await program.printed(/event taskWorkerStart$/m);
  expect(one.answers).toBe('');
  process.kill(
    program.children().find(({ title }) => /(?<!task) worker \d/.test(title))?.pid as number,
    'SIGCONT',
  );
  await until('an answer', () => one.answers === 'echo');
  one.destroy();
});
