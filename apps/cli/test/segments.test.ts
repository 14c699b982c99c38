/** What of this user outlives processes, and what the command removes of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asOtherUser, canBeOthers, isRunning, until } from '@millrace/testkit';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { millrace, type Ran } from './millrace.js';
import { portOf, programOf, start } from './support.js';

let directory = '';
let env: NodeJS.ProcessEnv = {};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-segments-'));
  env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = (...args: string[]): Promise<Ran> => millrace(['segments', ...args], env);

interface One {
  readonly name: string;
  readonly leftover: boolean;
  readonly usedBy: readonly number[];
}
const list = async (): Promise<One[]> => JSON.parse((await run('--json')).stdout);
const find = async (name: string) => (await list()).find((one) => one.name === name);

/** A process that makes a table under a name, and has it open until it is killed. */
async function made(name: string, permissions = 0o600) {
  const code =
    `import { column, Table } from '@millrace/shared-memory/table';` +
    `Table.openOrCreate('${name}', { rows: 4, columns: { hits: column.int64() } }, { permissions: ${permissions} });` +
    `console.log('made'); setInterval(() => {}, 1_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: new URL('..', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(`/dev/shm${name}`, { force: true });
  });
  const kill = async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  };
  return { pid: child.pid as number, kill };
}

test('a segment that a live process has open is told with that process, and stays', async () => {
  const name = `/millrace-cli-${process.pid}-used`;
  const { pid } = await made(name);
  expect(await find(name)).toMatchObject({ usedBy: [pid], leftover: false });
  await run('clean', '--yes');
  expect(existsSync(`/dev/shm${name}`)).toBe(true);
});

test('one that nobody has open, and whose creator has ended, is removed, but not before that was said', async () => {
  const name = `/millrace-cli-${process.pid}-left`;
  const { kill } = await made(name);
  await kill();
  expect(await find(name)).toMatchObject({ usedBy: [], leftover: true });
  const dry = await run('clean');
  expect(dry).toMatchObject({ code: 0 });
  expect(dry.stdout).toContain(`segment ${name}\n`);
  expect(dry.stderr).toContain('clean --yes removes them');
  expect(existsSync(`/dev/shm${name}`)).toBe(true);
  const done = await run('clean', '--yes');
  expect(done).toMatchObject({ code: 0 });
  expect(done.stdout).toContain(`segment ${name}\n`);
  expect(existsSync(`/dev/shm${name}`)).toBe(false);
});

test('one that has a new user though its creator has ended stays, and so does one that others may have open', async () => {
  const name = `/millrace-cli-${process.pid}-next`;
  const shared = `/millrace-cli-${process.pid}-shared`;
  const first = await made(name);
  const second = await made(name);
  const open = await made(shared, 0o666);
  await first.kill();
  await open.kill();
  expect(await find(name)).toMatchObject({ usedBy: [second.pid], leftover: false });
  expect(await find(shared)).toMatchObject({ usedBy: [], leftover: false });
  await run('clean', '--yes');
  expect([existsSync(`/dev/shm${name}`), existsSync(`/dev/shm${shared}`)]).toEqual([true, true]);
});

test('the files of a server that was killed go, those of one that lives or is stopped stay', async () => {
  await using killed = start(programOf('hello.cjs'), {
    flags: ['--name', 'killed', '--log-level', 'warn'],
    env,
  });
  await using stopped = start(programOf('hello.cjs'), {
    flags: ['--name', 'stopped', '--log-level', 'warn'],
    env,
  });
  await Promise.all([portOf(killed), portOf(stopped)]);
  const run_ = join(directory, 'run');
  const admin = JSON.parse((await millrace(['status', '--json', 'killed'], env)).stdout).processTable.at(-1);
  stopped.kill('SIGSTOP');
  killed.kill('SIGKILL');
  await killed.ended();
  await until('the end of its admin process', () => !isRunning(admin.pid));
  const { code, stdout } = await run('clean', '--yes');
  expect(code).toBe(0);
  expect(stdout).toContain(`socket ${run_}/killed.sock\n`);
  expect(stdout).toContain(`pid-file ${run_}/killed.pid\n`);
  expect(stdout).not.toContain('stopped');
  for (const file of ['sock', 'pid']) {
    expect(existsSync(join(run_, `killed.${file}`))).toBe(false);
    expect(existsSync(join(run_, `stopped.${file}`))).toBe(true);
  }
  stopped.kill('SIGCONT');
});

test('what is no segment, and what is of other users, is neither told nor touched', async () => {
  const foreign = `/dev/shm/millrace-cli-${process.pid}-foreign`;
  const server = createServer().listen(foreign);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  expect((await run()).stdout).not.toContain('foreign');
  if (canBeOthers) {
    const path = join(directory, 'foreign');
    const other = await asOtherUser(
      'import os, sys\nos.mkdir(sys.argv[1], 0o755)\nprint("ready")\nsys.stdin.read()',
      ['/dev/shm/millrace-cli-directory'],
    );
    const told = await millrace(['segments', '--json'], {
      MILLRACE_RUNTIME_DIR: '/dev/shm/millrace-cli-directory',
    });
    expect(told.code).toBe(0);
    expect(told.stdout).not.toContain(path);
    await other.stop();
    rmSync('/dev/shm/millrace-cli-directory', { recursive: true, force: true });
  }
});

test('what it is not told to do is wrong usage', async () => {
  expect((await run('wipe')).code).toBe(2);
  expect((await run('clean', '--no')).code).toBe(2);
});
