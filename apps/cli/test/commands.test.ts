import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  asOtherUser,
  canBeOthers,
  DEADLINE_MS,
  isRunning,
  OTHER_USER,
  type Program,
  until,
} from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { millrace, type Ran } from './millrace.js';
import { get, portOf, programOf, start } from './support.js';

const MILLRACE = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let directory = '';
let env: NodeJS.ProcessEnv = {};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-commands-'));
  env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A version that hangs has twice as long as the slowest start before it, on a machine that does much else. */
const SLOW_START_MS = 120_000;
const TEST_MS = 240_000;

const run = (...args: string[]): Promise<Ran> => millrace(args, env);
const hello = (...flags: string[]): Program =>
  start(programOf('hello.cjs'), { flags: ['--workers', '2', '--log-level', 'warn', ...flags], env });

/** What `status --json` prints. */
// biome-ignore lint/suspicious/noExplicitAny: it is what the test looks at
async function status(...args: string[]): Promise<any> {
  return JSON.parse((await run('status', '--json', ...args)).stdout);
}

async function pidOf(name: string): Promise<number> {
  const { processTable } = await status();
  return processTable.find((one: { name: string }) => one.name === name).pid;
}

describe('of a server that runs', () => {
  test('status tells a person at a glance, and a program in JSON, without colours where there is no terminal', async () => {
    await using program = hello('--name', 'shop');
    const port = await portOf(program);
    await get(port);
    const { code, stdout, stderr } = await run('status');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^shop {2}ready {2}up \\d+s {2}pid ${program.pid} `));
    expect(stdout).toMatch(new RegExp(`^port ${port} .* [01] +0 `, 'm'));
    expect(stdout.match(/^(master|manager|worker:0|worker:1|admin) +ready +\d+ /gm)).toHaveLength(5);
    expect(stdout).not.toContain('\u001b');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(await status('shop')).toMatchObject({ name: 'shop', state: 'ready', pid: program.pid });
  });

  test('logs prints the lines of all its processes, and with --follow goes on until it ends', async () => {
    await using program = start(programOf('hello.cjs'), { flags: ['--workers', '2'], env });
    await portOf(program);
    const { code, stdout, stderr } = await run('logs');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: master: listening on /m);
    const wrong = await run('logs', '--process', 'nope');
    expect([wrong.code, wrong.stdout]).toEqual([1, '']);
    expect(wrong.stderr).toContain("There is no process 'nope'; there are: master, manager, worker:0");
    const following = run('logs', '--follow', '--json', '--process', 'manager', '--level', 'warn');
    await until('the line of a kill', async () => {
      await run('kill', 'worker:1');
      return (await run('logs', '--process', 'manager')).stdout.includes('worker 1 has been replaced');
    });
    expect((await run('stop')).code).toBe(0);
    const followed = await following;
    expect([followed.code, followed.stderr]).toEqual([0, "The server 'hello' has ended.\n"]);
    const lines = followed.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines)
      expect(line).toMatchObject({ level: 'warn', role: 'manager', pid: expect.any(Number) });
  });

  test('reload replaces its workers, and tells of each', async () => {
    await using program = hello();
    await portOf(program);
    const before = await pidOf('worker:0');
    const { code, stdout, stderr } = await run('reload');
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(new RegExp(`^worker:0: ${before} -> ${await pidOf('worker:0')}$`, 'm'));
    expect(stderr).toMatch(/^reloaded: 2 processes$/m);
    expect((await run('scale', 'workers=1')).stderr).toContain('to 1 worker\n');
    expect((await run('reload')).stderr).toMatch(/^replaces 1 process, .*[\s\S]*^reloaded: 1 process$/m);
    const again = await run('reload', '--tasks', '--json');
    expect(JSON.parse(again.stdout.trimEnd().split('\n').at(-1) as string)).toMatchObject({
      type: 'done',
      outcome: 'reloaded',
      replaced: 0,
    });
  });

  test(
    'a reload to a version that hangs fails when another is asked for, which says what it has done',
    async () => {
      const file = join(directory, 'version');
      writeFileSync(file, 'plain');
      const flags = ['--workers', '1'];
      await using program = start(programOf('versions.mjs'), { flags, env: { ...env, VERSION: file } });
      await portOf(program);
      writeFileSync(file, 'spinning');
      const first = millrace(['reload'], env, undefined, SLOW_START_MS);
      await program.printed(/spinning in \d+/, SLOW_START_MS);
      writeFileSync(file, 'other');
      const second = millrace(['reload'], env, undefined, SLOW_START_MS);
      const { code, stderr } = await first;
      expect(code).toBe(1);
      expect(stderr).toMatch(/^failed: 0 processes$/m);
      expect(stderr).toMatch(/was not ready within \d+ ms, and another reload or change waits for that/);
      expect(await second).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(/^reloaded: 1 process$/m),
      });
    },
    TEST_MS,
  );

  test('kill ends a process of it, which is replaced, and names those that there are', async () => {
    await using program = hello();
    await portOf(program);
    const pid = await pidOf('worker:1');
    expect(await run('kill', 'worker:1', '--name', 'hello')).toMatchObject({
      code: 0,
      stderr: `SIGKILL to worker:1, process ${pid}\n`,
    });
    await until('another one', async () => ![0, pid].includes((await pidOf('worker:1')) ?? 0));
    const wrong = await run('kill', 'worker:2');
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toContain('there are: master, manager, worker:0, worker:1, admin');
    expect((await run('kill', 'worker:1', '--signal', 'SIGSEGV')).code).toBe(2);
  });

  test('connections lists them', async () => {
    await using program = hello();
    await using client = await clientOf(await portOf(program));
    const { code, stdout } = await run('connections');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`127\\.0\\.0\\.1 ${client.port}$`, 'm'));
    const list = JSON.parse((await run('connections', '--json')).stdout);
    expect(list).toMatchObject([{ remotePort: client.port }]);
    const port = (await status()).listeners[0].port;
    expect(stdout).toMatch(new RegExp(`^ *\\d+ +port ${port} `, 'm'));
    for (const listener of [`port ${port}`, String(port), '0'])
      expect(JSON.parse((await run('connections', '--json', '--listener', listener)).stdout)).toEqual(list);
    const none = await run('connections', '--listener', '7');
    expect([none.code, none.stderr]).toEqual([
      2,
      `The server has no listener '7'; there are: port ${port}.\n`,
    ]);
  });

  test('stop ends it in order, and waits until it has ended', async () => {
    await using program = hello();
    await portOf(program);
    expect(await run('stop', 'hello')).toMatchObject({ code: 0, stdout: '', stderr: 'hello has ended\n' });
    expect(isRunning(program.pid)).toBe(false);
    expect(await program.ended()).toEqual({ code: 0, signal: null });
  });

  test('start refuses the name of one that runs, and says which process that is', async () => {
    await using first = hello('--name', 'shop');
    await portOf(first);
    const { code, stderr } = await run('start', '--name', 'shop', programOf('hello.cjs'));
    expect(code).toBe(1);
    expect(stderr).toContain(`A server with the name 'shop' runs already: process ${first.pid}.`);
    await using second = hello();
    await portOf(second);
    const both = await run('status');
    expect([both.code, both.stderr]).toEqual([2, 'Several servers run, so name one: hello, shop.\n']);
    expect((await status('hello')).pid).toBe(second.pid);
  });

  test('a worker or manager that is stopped holds up no answer', async () => {
    await using program = hello();
    await portOf(program);
    for (const name of ['worker:0', 'manager']) {
      const pid = await pidOf(name);
      process.kill(pid, 'SIGSTOP');
      await until(`${name} is stopped`, async () => {
        const { state, processTable } = await status();
        return (
          state === 'degraded' &&
          processTable.find((one: { pid: number }) => one.pid === pid)?.state === 'stopped'
        );
      });
      process.kill(pid, 'SIGCONT');
    }
  });

  test('an admin process that is stopped is said to be silent within a second', async () => {
    await using program = hello();
    await portOf(program);
    process.kill(await pidOf('admin'), 'SIGSTOP');
    for (const command of [
      ['status'],
      ['reload'],
      ['stop'],
      ['connections'],
      ['tasks'],
      ['queues'],
      ['tables'],
      ['profile', 'worker:0'],
      ['inspect', 'worker:0'],
    ]) {
      const { code, stdout, stderr } = await run(...command);
      expect([command, code, stdout]).toEqual([command, 4, '']);
      expect(stderr).toContain(`The server 'hello' does not answer within a second`);
      expect(stderr).toContain(`kill ${program.pid} stops the server`);
    }
    program.kill('SIGTERM');
    expect(await program.ended()).toEqual({ code: 0, signal: null });
  });

  test('top needs a terminal, and says so', async () => {
    await using program = hello();
    await portOf(program);
    expect(await run('top')).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('in the background', () => {
  test('start returns when it serves, restart starts it as it was started, stop ends it', async () => {
    const log = join(directory, 'log');
    const started = await millrace(
      [
        'start',
        '-d',
        '--log-file',
        log,
        '--name',
        'shop',
        '--workers',
        '1',
        programOf('hello.cjs'),
        '--colour',
        'red',
      ],
      { ...env, GREETING: 'hello' },
    );
    const { pid } = await status();
    expect(started.code).toBe(0);
    // A machine that is slow is told before what the start waits for.
    expect(started.stderr.split('\n').slice(-2)).toEqual([
      `shop serves in the background: process ${pid}`,
      '',
    ]);
    const restarted = await run('restart');
    expect(restarted.code).toBe(0);
    expect(restarted.stderr).not.toContain('Warning');
    const next = await status();
    expect(next).toMatchObject({ name: 'shop', state: 'ready' });
    expect(next.pid).not.toBe(pid);
    expect(isRunning(pid)).toBe(false);
    expect((await run('stop')).code).toBe(0);
    expect(isRunning(next.pid)).toBe(false);
    expect((await run('status')).code).toBe(3);
  });

  test('of two that start at the same time, a start names its own alone', async () => {
    const gate = join(directory, 'gate');
    const slow = join(directory, 'slow.mjs');
    writeFileSync(
      slow,
      `import { existsSync } from 'node:fs';
       import { createServer } from 'node:http';
       while (!existsSync(${JSON.stringify(gate)})) await new Promise((resolve) => setTimeout(resolve, 20));
       createServer().listen(0);`,
    );
    const one = run('start', '-d', '--workers', '1', slow);
    await until('the claim of its name', () => existsSync(join(directory, 'run', 'slow.pid')));
    await using _other = hello();
    await until('the claim of the other name', () => existsSync(join(directory, 'run', 'hello.pid')));
    writeFileSync(gate, '');
    const { stderr } = await one;
    await run('stop', 'slow');
    expect(stderr).toContain('slow serves in the background');
    expect(stderr).not.toContain('hello serves');
  });

  test('restart leaves a server in the foreground to what has started it', async () => {
    await using program = hello();
    await portOf(program);
    const { code, stderr } = await run('restart');
    expect(code).toBe(1);
    expect(stderr).toContain(`The server 'hello' runs in the foreground`);
    expect(isRunning(program.pid)).toBe(true);
  });
});

describe('without a server', () => {
  test.each([
    ['status'],
    ['reload'],
    ['stop'],
    ['restart'],
    ['connections'],
    ['tasks'],
    ['queues'],
    ['tables'],
    ['kill', 'worker:0'],
    ['kill', 'worker:0'],
    ['profile', 'worker:0'],
    ['inspect', 'worker:0'],
  ])('%s says that none runs', async (...command) => {
    const { code, stdout, stderr } = await run(...command);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain('No server of this user runs');
  });

  test('one that was killed has left a socket, which is said', async () => {
    await using program = hello();
    await portOf(program);
    const admin = await pidOf('admin');
    program.kill('SIGKILL');
    await program.ended();
    await until('the end of its admin process', () => !isRunning(admin));
    for (const command of ['status', 'tasks', 'queues', 'tables', 'connections']) {
      const { code, stderr } = await run(command);
      expect([command, code]).toEqual([command, 3]);
      expect(stderr).toContain(`The server 'hello' has ended without being stopped`);
    }
    await using next = hello();
    await portOf(next);
    expect((await status()).pid).toBe(next.pid);
  });

  test.runIf(canBeOthers)("another user's directory is not asked in", async () => {
    const path = join(directory, 'foreign');
    const program = 'import os, sys\nos.mkdir(sys.argv[1], 0o755)\nprint("ready")\nsys.stdin.read()';
    chmodSync(directory, 0o777);
    const other = await asOtherUser(program, [path]);
    for (const command of ['status', 'tasks', 'queues', 'tables', 'connections']) {
      const { code, stderr } = await millrace([command], { MILLRACE_RUNTIME_DIR: path });
      expect([command, code]).toEqual([command, 5]);
      expect(stderr).toContain(`belongs to user ${OTHER_USER}`);
    }
    await other.stop();
  });

  test('what is not known is wrong usage', async () => {
    for (const args of [['statsu'], ['status', '--jsn'], ['connections', '--limit', '0'], ['status', '../x']])
      expect([args, (await run(...args)).code]).toEqual([args, 2]);
  });
});

/** A connection that stays open, with an answer on it. */
async function clientOf(port: number): Promise<AsyncDisposable & { readonly port: number }> {
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('an answer', () => socket.read() !== null);
  const { localPort = 0 } = socket;
  return {
    port: localPort,
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}

test('what has been read enough of ends quietly', async () => {
  await using program = hello();
  await portOf(program);
  for (const command of ['status', 'logs', 'queues', 'connections --json', '--help'])
    for (const reader of ['true', 'head -c1 >/dev/null']) {
      const line = `"$0" "$1" ${command} | ${reader}; echo "\${PIPESTATUS[0]}"`;
      const { stdout, stderr } = spawnSync('bash', ['-c', line, process.execPath, MILLRACE], {
        encoding: 'utf8',
        env: { ...process.env, ...env },
        timeout: DEADLINE_MS,
      });
      expect([command, reader, stdout, stderr]).toEqual([command, reader, '0\n', '']);
    }
});
