import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, Program, until } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServerOptions } from '../../src/index.js';
import { fixture, inMode } from '../support.js';

/** Master, manager and two workers. */
const PROCESSES = 4;

let directory: string;
let noted: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-ahead-'));
  noted = join(directory, 'noted');
});
afterEach(() => rmSync(directory, { recursive: true }));

function launch(
  how: string,
  wait: number,
  options: Partial<ServerOptions> = {},
  env: NodeJS.ProcessEnv = {},
) {
  const args = [how, JSON.stringify({ ...inMode({}), ...options })];
  return new Program(fixture('started-ahead'), { args, env: { NOTED: noted, WAIT: `${wait}`, ...env } });
}

/** Pids of all processes that have run the program, in their order. */
const notedPids = () => readFileSync(noted, 'utf8').trim().split('\n').map(Number);
const workers = (program: Program) =>
  [...program.output.matchAll(/^worker (\d+) (\w+)$/gm)].map(([, pid, how]) => ({ pid: Number(pid), how }));

test.each<[string, NodeJS.ProcessEnv]>([
  ['', {}],
  [', of a program that counts', { COUNTS: 'yes' }],
])(
  'the manager and the workers load the program while the master still starts, and none in vain%s',
  async (_, env) => {
    await using program = launch('goes-on', PROCESSES, {}, env);
    await program.printed(/^up$/m);
    const two = await until('both workers', () =>
      workers(program).length === 2 ? workers(program) : undefined,
    );
    expect(notedPids()).toHaveLength(PROCESSES);
    expect(notedPids()).toEqual(expect.arrayContaining(two.map(({ pid }) => pid)));
  },
);

test('no process of a worker is there before managerStart has settled', async () => {
  await using program = launch('has-manager-start', 2);
  await program.printed(/^up$/m);
  expect(program.output).toMatch(/^noted before 2$/m);
  expect(notedPids()).toHaveLength(PROCESSES);
});

test('the workers have what the program puts in its environment while it starts', async () => {
  await using program = launch('changes', PROCESSES);
  await program.printed(/^up$/m);
  const two = await until('both workers', () =>
    workers(program).length === 2 ? workers(program) : undefined,
  );
  expect(two.map(({ how }) => how)).toEqual(['changed', 'changed']);
  // Of those that were started before, nothing is left.
  const others = notedPids().filter((pid) => pid !== program.pid);
  expect(others.length).toBeGreaterThan(PROCESSES - 1);
  await until('the others to end', () => others.filter(isRunning).length === PROCESSES - 1);
});

test('of a start that fails at its port no process is left', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await until('a port', () => taken.listening);
  const { port } = taken.address() as { port: number };
  await using program = launch('goes-on', PROCESSES, { host: '127.0.0.1', port });
  await program.printed(/^failed ERR_MILLRACE_LISTEN$/m);
  const [, manager, ...below] = notedPids();
  expect(isRunning(manager as number)).toBe(false);
  await until('the workers to end as well', () => !below.some(isRunning));
  taken.close();
});

test('a master that is killed in its start takes with it what it has started', async () => {
  await using program = launch('ends', PROCESSES);
  expect(await program.ended()).toMatchObject({ signal: 'SIGKILL' });
  const pids = notedPids();
  expect(pids).toHaveLength(PROCESSES);
  await until('all to end', () => !pids.some(isRunning));
});

test('no process has the token of the admin interface, or speaks to the service manager', async () => {
  const token = 'a token that nobody can guess';
  const env = { MILLRACE_ADMIN_TOKEN: token, NOTIFY_SOCKET: join(directory, 'no-socket') };
  const admin = { port: 0, name: `ahead-${process.pid}` };
  await using program = launch('goes-on', 1, { admin }, env);
  await program.printed(/^up$/m);
  const below = notedPids().filter((pid) => pid !== program.pid);
  expect(below).toHaveLength(PROCESSES - 1);
  for (const pid of below) {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
    expect(environment).not.toContain(token);
    expect(environment).not.toContain('NOTIFY_SOCKET');
  }
});
