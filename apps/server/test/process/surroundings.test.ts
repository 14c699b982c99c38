import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority, isRunning, Program, processInfo, TestClient, until } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fixture, inMode, launch, pidOf, startServer } from '../support.js';

/** Of the user and group `nobody` and `nogroup`, which every Linux has. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-surroundings-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

test.runIf(isRoot)('a user that is a number has that user’s groups, and keeps none of root’s', async () => {
  await using server = await startServer({ user: NOBODY, workerNum: 1, taskWorkerNum: 1 }, {}, 'life');
  const groups = server.program.children().flatMap(({ pid }) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const of = (name: string) => new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1]?.trim().split(/\s+/);
    return of('Uid')?.includes(`${NOBODY}`) ? [[...new Set([of('Gid'), of('Groups')].flat())]] : [];
  });
  expect(groups).toEqual([[`${NOBODY}`], [`${NOBODY}`]]);
});

test('umask holds for every process, and for files that the server makes', async () => {
  const pidFile = join(directory, 'pid');
  await using server = await startServer({ umask: 0o027, pidFile }, {}, 'life');
  const client = await TestClient.connect(server.lines);
  expect((await client.ask('who')).split(' ')[2]).toBe(String(0o027));
  expect(statSync(pidFile).mode & 0o777).toBe(0o640);
  client.close();
});

test('the log goes to logFile, and to a new one after SIGWINCH, from every process', async () => {
  const logFile = join(directory, 'log');
  const moved = join(directory, 'log.1');
  await using server = await startServer({ logFile, workerNum: 1 }, {}, 'life');
  renameSync(logFile, moved);
  server.program.kill('SIGWINCH');
  await until('the new file', () => existsSync(logFile));
  server.program.kill('SIGUSR1');
  await until('a line of the manager in it', () => /reload: reloaded/.test(readFileSync(logFile, 'utf8')));
  expect(readFileSync(moved, 'utf8')).not.toMatch(/reload: reloaded/);
  server.program.kill('SIGTERM');
  await server.program.ended();
  expect(readFileSync(logFile, 'utf8')).toMatch(/"msg":"stopped"/);
  expect(server.program.output).not.toMatch(/"msg"/);
});

test('a server in the background has no terminal and no parent, and is found by its pid file', async () => {
  const pidFile = join(directory, 'pid');
  const file = join(directory, 'events');
  const options = { daemonize: true, pidFile, logFile: join(directory, 'log') };
  await using program = launch('life', options, { EVENTS: file });
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  const [, port, pid] = await until('the daemon to listen', () =>
    existsSync(file) ? readFileSync(file, 'utf8').match(/listening (\d+) 0 pid (\d+)/) : undefined,
  );
  try {
    expect(readFileSync(pidFile, 'utf8')).toBe(`${pid}\n`);
    expect(processInfo(Number(pid))?.parent).not.toBe(program.process.pid);
    const client = await TestClient.connect(Number(port));
    expect((await client.ask('who')).split(' ')[3]).toBe('/');
    client.close();
  } finally {
    process.kill(Number(pid), 'SIGTERM');
  }
  await until('its end', () => !isRunning(Number(pid)));
  expect(existsSync(pidFile)).toBe(false);
});

describe('what starts a server in the background', () => {
  /** Starts it by `node OPTIONS`, in `directory`, and ends it again. */
  async function background(nodeOptions: readonly string[], options: object, env: NodeJS.ProcessEnv = {}) {
    const pidFile = join(directory, 'pid');
    const all = { daemonize: true, pidFile, workerNum: 1, ...inMode({}), ...options };
    const [first = '', ...rest] = [...nodeOptions, fixture('life').pathname, JSON.stringify(all)];
    await using program = new Program(first, { args: rest, env, through: ['env', '-C', directory] });
    const { code } = await program.ended();
    const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : undefined;
    if (pid !== undefined) {
      process.kill(pid, 'SIGTERM');
      await until('its end', () => !isRunning(pid));
    }
    return { code, isUp: pid !== undefined, output: program.output };
  }

  test.each([
    [['--import', './preload.mjs', '--title', 'mine'], {}],
    [['-r', './preload.cjs'], {}],
    [[], { NODE_OPTIONS: '--import ./preload.mjs' }],
  ] as const)(
    'exits with 0 once it is up, with relative options of Node: %j %j',
    async (nodeOptions, env) => {
      for (const name of ['preload.mjs', 'preload.cjs']) writeFileSync(join(directory, name), '');
      expect(await background(nodeOptions, {}, env)).toMatchObject({ code: 0, isUp: true });
    },
  );

  test('exits with another code where it does not come up, and says why', async () => {
    await using other = await startServer({ workerNum: 1 }, {}, 'life');
    const taken = await background([], { port: other.lines });
    expect(taken).toMatchObject({ code: 1, isUp: false });
    expect(taken.output).toMatch(/ERR_MILLRACE_LISTEN/);
    const failed = await background(['--import', './none.mjs'], {});
    expect(failed.code).not.toBe(0);
    expect(failed.output).toMatch(/none\.mjs/);
  });
});

test('in the background, relative paths are refused', async () => {
  await using program = launch('life', { daemonize: true, pidFile: 'pid' });
  await program.printed(/ERR_MILLRACE_OPTION/);
  expect(program.output).toMatch(/The option 'pidFile' cannot be "pid"/);
});

describe.runIf(isRoot)('started by root', () => {
  test('workers give up their rights, master and manager keep them, and none outlives the other', async () => {
    await using server = await startServer({ user: 'nobody', workerNum: 1, taskWorkerNum: 1 }, {}, 'life');
    const client = await TestClient.connect(server.lines);
    expect(await client.ask('who')).toMatch(`${NOBODY} ${NOBODY} `);
    const owner = (title: string) => statSync(`/proc/${pidOf(server, title)}`).uid;
    const status = readFileSync(`/proc/${pidOf(server, 'millrace: worker 0')}/status`, 'utf8');
    expect(status).toMatch(new RegExp(`^Uid:\\t${NOBODY}\\t${NOBODY}\\t${NOBODY}`, 'm'));
    expect(owner('millrace: manager')).toBe(0);
    client.close();
    const below = server.program.children().filter(({ title }) => title !== 'millrace: manager: spare');
    const pids = below.map(({ pid }) => pid);
    process.kill(pidOf(server, 'millrace: manager') as number, 'SIGKILL');
    await until('no process of the dead manager', () => !pids.some(isRunning));
  });

  test('chroot comes before the change of user, and holds for workers', async () => {
    const root = join(directory, 'root');
    mkdirSync(root);
    const options = { user: NOBODY, group: NOBODY, chroot: root, workerNum: 1 };
    await using server = await startServer(options, {}, 'life');
    const client = await TestClient.connect(server.lines);
    const [uid, gid, , cwd] = (await client.ask('who')).split(' ');
    expect([uid, gid, cwd]).toEqual([String(NOBODY), String(NOBODY), '/']);
    // Its log is made for its first line, and what that takes is not below the new root.
    expect(await client.ask('log said')).toBe('logged');
    await server.program.printed(/said, as asked/);
    client.close();
  });

  test.each(['memory', 'file'] as const)(
    'below another root directory a server has its TLS, framings, tables, log and large values (%s), though nothing is there',
    async (taskLargeValues) => {
      using authority = new Authority();
      const { key, cert } = authority.issue('localhost');
      const tls = { key: join(directory, 'tls.key'), cert: join(directory, 'tls.pem') };
      writeFileSync(tls.key, key, { mode: 0o600 });
      writeFileSync(tls.cert, cert);
      const root = join(directory, `root-${taskLargeValues}`);
      mkdirSync(root);
      const place = taskLargeValues === 'file' ? '/tasks' : '/';
      if (place !== '/') mkdirSync(join(root, place));
      chmodSync(join(root, place), 0o1777);
      const identity = { user: NOBODY, group: NOBODY, chroot: root };
      const options = { ...identity, tls, taskLargeValues, taskTmpdir: place };
      await using program = launch('rooted', options);
      const [, ...ports] = await program.printed(/^listening (\d+) (\d+) (\d+)/m);
      const [secure, framed, lines] = ports.map(Number) as [number, number, number];
      const client = await TestClient.connect(lines);
      expect(await client.ask('who')).toBe(`${NOBODY} /`);
      expect(await client.ask('log said below')).toBe('logged');
      await program.printed(/said below/);
      expect(await client.ask('task 3000000')).toBe('6000000');
      expect(await client.ask('hit one')).toBe('1');
      const one = await TestClient.connect(framed);
      one.send('3abc0');
      expect([await one.line(), await one.line()]).toEqual(['3abc', '0']);
      const secret = await TestClient.connectTls(secure, { ca: authority.cert, servername: 'localhost' });
      expect(await secret.ask('hello')).toBe('hello');
      // The next worker finds everything again.
      const [worker] = program.children().filter(({ title }) => title === 'millrace: worker 0');
      process.kill(worker?.pid as number, 'SIGKILL');
      await program.printed(/worker 0 has been replaced/);
      const after = await TestClient.connect(framed);
      after.send('2de');
      expect(await after.line()).toBe('2de');
      for (const each of [client, one, secret, after]) each.close();
    },
  );

  test('a user that there is not keeps the server from starting', async () => {
    await using program = launch('life', { user: 'no-such-user', workerNum: 1 });
    await program.printed(/ERR_MILLRACE_IDENTITY/);
    expect((await program.ended()).code).not.toBe(0);
  });
});
