import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { get, portOf, programOf, start } from './support.js';

const MODES = ['process', 'base'] as const;
let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.each(MODES)('in %s mode', (mode) => {
  const flags = ['--mode', mode, '--workers', '2'];

  test('a program that listens by itself runs in each worker, and all have one port', async () => {
    await using program = start(programOf('hello.cjs'), { flags, args: ['--port', 'x'] });
    const port = await portOf(program);
    await until('both workers', () => program.count(/^listening .*$/gm) === 2);
    expect(new Set([...program.output.matchAll(/^listening .*$/gm)].map(([line]) => line)).size).toBe(1);
    expect(program.output).toContain('main true args ["--port","x"] execArgv []');
    const pids = new Set<string>();
    await until('an answer of each worker', async () => pids.add(await get(port)).size === 2);
    program.kill('SIGTERM');
    expect(await program.ended()).toEqual({ code: 0, signal: null });
  });

  test('SIGTERM ends it long before --max-wait, also with a connection that has asked nothing', async () => {
    await using program = start(programOf('hello.cjs'), { flags: [...flags, '--max-wait', '60000'] });
    const client = await TestClient.connect(await portOf(program));
    onTestFinished(() => client.close());
    await until('both workers', () => program.count(/^listening .*$/gm) === 2);
    program.kill('SIGTERM');
    expect(await program.ended()).toEqual({ code: 0, signal: null });
    await client.serverClosed();
  });

  test('the next worker answers, when one is killed', async () => {
    await using program = start(programOf('hello.cjs'), { flags: [...flags, '--log-level', 'error'] });
    const port = await portOf(program);
    const killed = await get(port);
    process.kill(Number(killed), 'SIGKILL');
    const pids = new Set<string>();
    await until('two other workers', async () => {
      const pid = await get(port).catch(() => undefined);
      if (pid !== undefined && pid !== killed) pids.add(pid);
      return pids.size === 2;
    });
  });

  test('several places, late ones, paths, and errors are as a program has them from the kernel', async () => {
    const socket = join(directory, `${mode}.sock`);
    await using program = start(programOf('places.mjs'), { flags, env: { SOCKET: socket } });
    expect(await get(await portOf(program, 'first'))).toBe('first');
    expect(await get(await portOf(program, 'second'))).toBe('second');
    await program.printed(/^path "/m);
    expect(await answerAt({ socketPath: socket })).toBe('path');
    const [, taken] = await program.printed(/^taken (.*)$/m);
    expect(taken).toMatch(
      /"code":"EADDRINUSE","errno":-98,"syscall":"listen","port":\d+,"message":"listen EADDRINUSE: address already in use 127\.0\.0\.1:\d+"\} false$/,
    );
    expect(await echoed(await portOf(program, 'late'))).toBe('hello');
    await program.printed(/^closed false$/m);
    const shut = await portOf(program, 'shut');
    await until('nothing listens where every worker has closed', () =>
      echoed(shut, '127.0.0.2').then(
        () => false,
        ({ code }) => code === 'ECONNREFUSED',
      ),
    );
  });

  test('a reload runs what the files and the variables hold then, behind the symlink that it was started by', async () => {
    const releases = join(directory, mode);
    for (const name of ['one', 'two']) {
      mkdirSync(join(releases, name), { recursive: true });
      writeFileSync(join(releases, name, 'release'), name);
      writeFileSync(join(releases, name, '.env'), `GREETING=hello-${name}\n`);
    }
    const current = join(releases, 'current');
    symlinkSync('one', current);
    const shell = ['bash', '-c', `cd ${current} && exec "$@"`, 'bash'];
    const by = { flags: [...flags, '--env-file', '.env', '--log-level', 'info'] };
    await using program = start(programOf('released.cjs'), { ...by, through: shell });
    const port = await portOf(program);
    expect(await get(port)).toBe('one hello-one');
    rmSync(current);
    symlinkSync('two', current);
    program.kill('SIGUSR1');
    await program.printed(/reload: reloaded/);
    expect(await get(port)).toBe('two hello-two');
  });

  test('--engine lean has requests of its servers of node:http read by that engine, of all other servers nothing', async () => {
    const socket = join(directory, `${mode}-engine.sock`);
    await using program = start(programOf('engine.cjs'), {
      flags: [...flags, '--engine', 'lean'],
      env: { SOCKET: socket },
    });
    const [port, bytes] = await Promise.all([portOf(program), portOf(program, 'bytes')]);
    expect(await answerAt({ port })).toBe('LeanRequest');
    await program.printed(/^path$/m);
    expect(await answerAt({ socketPath: socket })).toBe('LeanRequest');
    expect(await echoed(bytes)).toBe('bytes');
    // Every worker is replaced: its listening sockets are the next one's.
    program.kill('SIGUSR1');
    await program.printed(/reload: reloaded/);
    expect(await answerAt({ port })).toBe('LeanRequest');
    expect(await answerAt({ socketPath: socket })).toBe('LeanRequest');
    program.kill('SIGTERM');
    expect(await program.ended()).toEqual({ code: 0, signal: null });
  });

  test('--engine lean says of which servers it does not read requests, and why', async () => {
    const env = { SOCKET: join(directory, `${mode}-unusual.sock`), TIMEOUT: '5000' };
    await using program = start(programOf('engine.cjs'), { flags: [...flags, '--engine', 'lean'], env });
    expect(await answerAt({ port: await portOf(program) })).toBe('IncomingMessage');
    await program.printed(/the server of the program has 'timeout', which the engine 'lean' does not do/);
    await program.printed(
      /the engine 'lean' reads requests of servers of node:http, and this one is of another/,
    );
  });

  test('a program has its own say about errors in its start, by a domain', async () => {
    await using program = start(programOf('domain.cjs'), { flags: [...flags, '--workers', '1'] });
    expect(await get(await portOf(program))).toBe('served');
    expect(program.output).toContain('guarded: in the start');
  });

  test('a program that throws ends the start with its own stack, and leaves nothing', async () => {
    await using program = start(programOf('broken.cjs'), { flags: [...flags, '--log-level', 'silent'] });
    expect((await program.ended()).code).toBe(1);
    expect(program.output).toMatch(/Error: the program is broken\n {4}at .*broken\.cjs/);
    expect(program.output).toContain('ERR_MILLRACE_START_FAILED');
    expect(program.output).not.toMatch(/node:internal/);
    expect(program.output.trimEnd().split('\n').length).toBeLessThanOrEqual(5);
    expect(isRunning(program.pid)).toBe(false);
  });
});

test.each(['cjs', 'mjs'])('a syntax error of a program is told with its line (%s)', async (extension) => {
  const file = join(directory, `syntax.${extension}`);
  writeFileSync(file, 'const a = 1;\nthere is none(\n');
  await using program = start(file, { flags: ['--log-level', 'silent'] });
  expect((await program.ended()).code).toBe(1);
  expect(program.output).toContain(`${file}:2\nthere is none(\n`);
  expect(program.output).toContain('SyntaxError: ');
  expect(program.output.trimEnd().split('\n').length).toBeLessThanOrEqual(8);
});

test('a program that is not there is named', async () => {
  await using program = start('/nowhere/app.js');
  expect((await program.ended()).code).toBe(1);
  expect(program.output).toContain('ERR_MILLRACE_ENTRY: There is no program /nowhere/app.js to start.');
});

test('what listens by itself is named in the log: processes of node:cluster, and UDP sockets', async () => {
  await using program = start(programOf('clustered.cjs'), {
    flags: ['--workers', '1'],
    env: { UDP_PORT: '45454' },
  });
  await program.printed(/node:cluster/);
  await program.printed(/UDP/);
});

/** By a client that keeps its connection. */
function answerAt(place: { readonly socketPath: string } | { readonly port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    request(place, (response) => {
      response.setEncoding('utf8').once('data', resolve);
    })
      .on('error', reject)
      .end();
  });
}

function echoed(port: number, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    socket
      .on('error', reject)
      .setEncoding('utf8')
      .once('data', (text: string) => {
        socket.destroy();
        resolve(text);
      });
    socket.write('hello');
  });
}
