import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  fillDisk,
  Hopeless,
  isRunning,
  onSmallDisk,
  type Program,
  TestClient,
  until,
  whyNoSmallDisk,
} from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ServerOptions, ServerStats } from '../../src/index.js';
import { LogOutput } from '../../src/log/log-output.js';
import { launch } from '../support.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-log-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

interface Running extends AsyncDisposable {
  readonly program: Program;
  readonly client: TestClient;
  readonly port: number;
  readonly stats: () => Promise<ServerStats>;
  /** Has every process write; returns their pids: master, manager, worker, task worker and user process. */
  readonly say: (by: string, lines?: number, bytes?: number) => Promise<string>;
}

async function start(
  options: Partial<ServerOptions> = {},
  through: readonly string[] = [],
  afterSpawn: (program: Program) => void = () => {},
): Promise<Running> {
  const file = join(directory, 'port');
  const program = launch('log', options, { PORT_FILE: file }, through);
  afterSpawn(program);
  try {
    const port = await until('the port', () => {
      if (program.process.exitCode !== null) throw new Hopeless(`It has ended: ${program.output}`);
      // It is there before anything is in it.
      return existsSync(file) ? Number(readFileSync(file, 'utf8')) || undefined : undefined;
    });
    const client = await TestClient.connect(port);
    return {
      program,
      client,
      port,
      stats: async () => JSON.parse(await client.ask('stats')) as ServerStats,
      say: (by, lines = 1, bytes = 10) => client.ask(`say ${by} ${lines} ${bytes}`),
      [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
    };
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

/** Runs what is named behind it with its standard output as the shell's words say. */
const withOutput = (redirection: string) => ['sh', '-c', `exec "$@" ${redirection}`, 'sh'];

describe('a log that cannot be written ends nobody, in any role: on', () => {
  const cases: readonly [string, Partial<ServerOptions>, readonly string[], ((it: Program) => void)?][] = [
    ['a standard output that is full', {}, withOutput('>/dev/full')],
    ['a log file that is full', { logFile: '/dev/full' }, []],
    ['a standard output whose reader has gone', {}, [], (it) => void it.process.stdout?.destroy()],
    ['a standard output that only reads', {}, withOutput('1</dev/null')],
  ];
  test.each(cases)('%s', async (_what, options, through, afterSpawn) => {
    await using server = await start({ ...options, maxConnections: 1 }, through, afterSpawn);
    const { program, client } = server;
    const pids = await server.say('log');
    await client.ask('again');
    for (const by of ['stdout', 'console']) expect(await server.say(by)).toBe(pids);
    // A line of a reactor thread.
    const second = await TestClient.connect(server.port);
    await second.serverClosed();
    const { lostLogLines } = await server.stats();
    expect(lostLogLines).toBeGreaterThanOrEqual(options.logFile === undefined ? 15 : 5);
    // A line of the worker, and the end of this session alone.
    client.send('throw\n');
    await client.serverClosed();
    const next = await TestClient.connect(server.port);
    expect(await next.ask('say log 1 1')).toBe(pids);
    next.close();
    expect(program.count(/a line is lost/g)).toBe(1);
    program.kill('SIGTERM');
    expect(await program.ended()).toEqual({ code: 0, signal: null });
  });

  test('a standard error that is full as well', async () => {
    await using server = await start({}, withOutput('>/dev/full 2>&1'));
    const pids = await server.say('log');
    for (const by of ['stderr', 'stdout', 'console']) expect(await server.say(by)).toBe(pids);
    expect((await server.stats()).lostLogLines).toBeGreaterThanOrEqual(20);
    server.program.kill('SIGTERM');
    expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  });
});

test('a process that dies is replaced while the log is full, and counts on', async () => {
  await using server = await start({}, withOutput('>/dev/full'));
  const [, manager, worker] = (await server.say('log')).split(' ').map(Number);
  const before = (await server.stats()).lostLogLines;
  process.kill(manager as number, 'SIGKILL');
  await until('the end of its worker', () => !isRunning(worker as number));
  const client = await TestClient.connect(server.port);
  expect(Number((await client.ask('say log 1 1')).split(' ')[2])).not.toBe(worker);
  const after = JSON.parse(await client.ask('stats')) as ServerStats;
  expect(after.lostLogLines).toBeGreaterThan(before + 5);
  expect(server.program.count(/a line is lost/g)).toBe(1);
  client.close();
});

describe('a pipe that nobody reads costs lines, and no client waits for it', () => {
  test('a pipe, which gets whole lines again when it is read, and how many are missing', async () => {
    const fifo = join(directory, 'fifo');
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    // Both ends, so that neither open waits.
    const reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      await using server = await start({}, withOutput(`>${fifo}`));
      const pids = await server.say('log', 1_000, 1_000);
      expect(await server.say('log', 1_000, 6_000)).toBe(pids);
      const { lostLogLines } = await server.stats();
      expect(lostLogLines).toBeGreaterThan(5_000);
      expect(server.program.count(/a line is lost.*no process reads it/g)).toBe(1);
      let text = '';
      const read = () => {
        const bytes = Buffer.alloc(1 << 16);
        try {
          text += bytes.toString('utf8', 0, readSync(reader, bytes));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        }
        return text;
      };
      await until('what has waited', () => (read().match(/"lost":\d+/g) ?? []).length === 5);
      const missing = [...text.matchAll(/"lost":(\d+)/g)].reduce((sum, [, lines]) => sum + Number(lines), 0);
      expect(missing).toBe(lostLogLines);
    } finally {
      closeSync(reader);
    }
  });

  test('a socket', async () => {
    await using server = await start({}, [], ({ process: { stdout } }) => void stdout?.pause());
    const pids = await server.say('log', 1_000, 1_000);
    expect(await server.say('log', 1_000, 1_000)).toBe(pids);
    expect((await server.stats()).lostLogLines).toBeGreaterThan(1_000);
    server.program.process.stdout?.resume();
    await server.program.printed(/"lost":\d+/);
    expect(server.program.count(/no process reads it/g)).toBe(1);
    server.program.kill('SIGTERM');
    expect(await server.program.ended()).toEqual({ code: 0, signal: null });
  });
});

test('a line that a full disk has cut is followed by a line of its own', async ({ skip }) => {
  const why = whyNoSmallDisk();
  if (why !== undefined) skip(why);
  const disk = join(directory, 'disk');
  mkdirSync(disk);
  const logFile = join(disk, 'log');
  await using server = await start({ logFile }, onSmallDisk(disk, 256));
  const inside = `/proc/${server.program.pid}/root${disk}`;
  fillDisk(join(inside, 'filler'), 8_192);
  await server.say('log', 10, 3_000);
  expect((await server.stats()).lostLogLines).toBeGreaterThan(20);
  rmSync(join(inside, 'filler'));
  await server.say('log', 1, 3_000);
  const lines = readFileSync(join(inside, 'log'), 'utf8').trimEnd().split('\n');
  const cut = lines.filter((line) => !line.endsWith('}'));
  expect(cut.length).toBeLessThanOrEqual(5);
  expect(lines.filter((line) => /"lost":\d+/.test(line)).length).toBe(5);
  for (const line of lines) expect(line).toMatch(/^\{"level"/);
});

test('a logFile in a directory that there is not is said at the start, in a line', async () => {
  const logFile = join(directory, 'none', 'log');
  await using program = launch('log', { logFile });
  expect((await program.ended()).code).not.toBe(0);
  expect(program.output).toMatch(/ERR_MILLRACE_LOG_FILE/);
  expect(program.output).toMatch(`The logFile '${logFile}' cannot be opened: ENOENT`);
});

test('a log file whose directory vanishes costs lines, and is there again with its directory', async () => {
  const logs = join(directory, 'logs');
  mkdirSync(logs);
  const logFile = join(logs, 'log');
  await using server = await start({ logFile });
  const pids = await server.say('log');
  renameSync(logs, `${logs}.away`);
  server.program.kill('SIGWINCH');
  await until('the complaint of every process', () => server.program.count(/cannot be opened anew/g) === 5);
  // They go on in the file from before.
  expect(await server.say('log')).toBe(pids);
  expect(readFileSync(join(`${logs}.away`, 'log'), 'utf8')).toMatch(/goes on in the file from before/);
  // A new worker has none, and serves all the same.
  process.kill(Number(pids.split(' ')[2]), 'SIGKILL');
  const client = await TestClient.connect(server.port);
  const [, , worker] = (await client.ask('say log 1 1')).split(' ');
  expect(worker).not.toBe(pids.split(' ')[2]);
  const lost = JSON.parse(await client.ask('stats')) as ServerStats;
  expect(lost.lostLogLines).toBeGreaterThan(0);
  mkdirSync(logs);
  await until('a line of the new worker', async () => {
    await client.ask('say log 1 1');
    return existsSync(logFile) && readFileSync(logFile, 'utf8').includes(`"pid":${worker}`);
  });
  client.close();
});

test('what a handler throws is logged, whatever it is', async () => {
  await using server = await start();
  server.client.send('throw hostile\n');
  await server.client.serverClosed();
  await server.program.printed(/what was thrown cannot be shown/);
  const next = await TestClient.connect(server.port);
  expect(await next.ask('still there')).toBe('still there');
  next.close();
});

test('a line that is larger than a pipe arrives whole, in its order', async () => {
  const fifo = join(directory, 'fifo');
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const lost: number[] = [];
  const output = new LogOutput(fifo, { onLost: (lines) => lost.push(lines), onRecovered: () => {} });
  output.reopen();
  const long = `${'l'.repeat(100_000)}\n`;
  output.write(long);
  output.write('short\n');
  let text = '';
  await until('both', () => {
    const bytes = Buffer.alloc(1 << 16);
    try {
      text += bytes.toString('utf8', 0, readSync(reader, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
    return text.length >= long.length + 6;
  });
  expect(text === `${long}short\n`).toBe(true);
  expect(lost).toEqual([]);
  closeSync(reader);
});
