import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { millrace } from './millrace.js';
import { programOf } from './support.js';

const PACKAGE = new URL('../package.json', import.meta.url);
const MILLRACE = fileURLToPath(new URL('../dist/main.js', import.meta.url));

test('the command that npm links is a file of the repository, not of a build, and names what start takes', () => {
  const { bin } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as {
    readonly bin: { readonly millrace: string };
  };
  expect(bin.millrace).not.toMatch(/^(\.\/)?dist\//);
  const command = fileURLToPath(new URL(bin.millrace, PACKAGE));
  // As a shell runs it: it has to be executable.
  expect(execFileSync(command, ['--help'], { encoding: 'utf8' })).toContain('start [options] [entry]');
});

test.each([
  [
    ['--workers', '5000', programOf('hello.cjs')],
    /^ERR_MILLRACE_OPTION: The option 'workerNum' cannot be 5000: .*$/,
  ],
  [
    ['--log-file', '/no/such/log', programOf('hello.cjs')],
    /^ERR_MILLRACE_LOG_FILE: .* Make the directory \/no\/such first, .*$/,
  ],
])('a wrong start is a line: %j', async (words, line) => {
  const { code, stdout, stderr } = await millrace(['start', ...words], {});
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(line)]);
});

test('a port that is taken is said without what runs inside of the server', async () => {
  const taken = createServer().listen(0);
  await once(taken, 'listening');
  const PORT = String((taken.address() as AddressInfo).port);
  const { code, stderr } = await millrace(['start', '--workers', '1', programOf('hello.cjs')], { PORT });
  taken.close();
  expect(code).toBe(1);
  expect(stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^Error: listen EADDRINUSE: /),
    expect.stringMatching(/^ERR_MILLRACE_START_FAILED: .*EADDRINUSE/),
  ]);
});

test('options of the command behind the entry module are said to be the program’s, once', async () => {
  const say = async (...words: string[]) =>
    (await millrace(['start', ...words, '--log-file', '/no/such/log', '-d'], {})).stderr;
  const hello = programOf('hello.cjs');
  // It does not start: the directory of its log is not there.
  const before = ['--log-file', '/no/such/log', '--workers', '1'];
  expect(await say(...before, hello)).toContain(
    `What is behind ${hello} is the program's, --log-file -d too`,
  );
  expect(await say(...before, '--', hello)).not.toContain('What is behind');
});

test('--version prints the version, and nothing else', async () => {
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8'));
  for (const flag of ['--version', '-V'])
    expect(await millrace([flag], {})).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test.each([
  [['--workers', '5000', programOf('hello.cjs')], /^ERR_MILLRACE_OPTION: /],
  [[programOf('broken.cjs')], /^Error: /],
])('a wrong start in the background says no more than one in the foreground: %j', async (words, first) => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-wrong-'));
  const env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
  const log = (name: string) => ['--log-file', join(directory, name)];
  const said = async (...flags: string[]) => {
    const { code, stdout, stderr } = await millrace(['start', ...flags, '--workers', '1', ...words], env);
    expect([code, stdout]).toEqual([1, '']);
    return stderr.trimEnd().split('\n');
  };
  // A machine that is slow is told what the start waits for.
  const isAwaited = (line: string) => line.includes(' does not serve after ');
  const front = (await said(...log('front'))).filter((line) => !isAwaited(line));
  expect(front[0]).toMatch(first);
  const end = 'The daemon ended with code 1 before it was up.';
  for (const flags of [['-d'], ['-d', ...log('back')]]) {
    const back = await said(...flags);
    // What is wrong before that, the process says that is started first.
    expect(back.filter((line) => line !== end && !isAwaited(line))).toEqual(front);
  }
  rmSync(directory, { recursive: true });
});

test('a full disk behind standard output is said in a line', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [MILLRACE, '--help'], {
    encoding: 'utf8',
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(/^What it prints cannot be written: ENOSPC[^\n]*\n$/),
  ]);
});

test('a file that is not there is said in one line', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MILLRACE, 'start', 'missing.js'], {
    encoding: 'utf8',
    cwd: '/',
  });
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: 'ERR_MILLRACE_ENTRY: There is no program /missing.js to start.\n',
  });
});

test.each(['none', 'query', 'query:', 'ip:room', 'cookie:a:b'])(
  '--dispatch %s is refused, with the ways that there are',
  (way) => {
    const { status, stderr } = spawnSync(process.execPath, [MILLRACE, 'start', '--dispatch', way, 'app.js'], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toContain(`'${way}' is invalid`);
    expect(stderr).toContain('query:NAME, header:NAME, cookie:NAME');
  },
);

test.each([['--dispatch', 'query:room'], ['--retry']])(
  '%s in base mode is refused, with the reason',
  (...flags) => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [MILLRACE, 'start', '--mode', 'base', ...flags, MILLRACE],
      { encoding: 'utf8' },
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/ERR_MILLRACE_OPTION: .*mode 'base'/);
  },
);

test('--help loads what reads the command line, and nothing of a server', () => {
  const { status, stderr } = spawnSync(process.execPath, [MILLRACE, '--help'], {
    encoding: 'utf8',
    env: { ...process.env, NODE_DEBUG: 'esm' },
  });
  expect(status).toBe(0);
  expect(stderr).toContain('/commander/');
  expect(stderr).not.toMatch(/\/(server|reactor|shared-memory|native)\/dist\//);
});
