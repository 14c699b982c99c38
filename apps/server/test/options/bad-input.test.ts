import { once } from 'node:events';
import { createServer as createNetServer } from 'node:net';
import { TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServer, type ServerOptions } from '../../src/index.js';
import { launch, type RunningServer, startServer } from '../support.js';

/** As few processes as there can be. */
const ALONE = { workerNum: 1, taskWorkerNum: 0 };
const good = { port: 0, workerNum: 1, reactorNum: 1 } as const;
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('options', () => {
  test('an unknown option is an error that suggests the nearest', () => {
    const make = () => createServer({ ...good, workerNumb: 3 } as ServerOptions);
    expect(make).toThrow(code('ERR_MILLRACE_UNKNOWN_OPTION'));
    expect(make).toThrow("There is no option 'workerNumb'; did you mean 'workerNum'?");
  });

  test('an event that there is not is an error that suggests the nearest, of the server and of a listener', () => {
    const server = createServer(good);
    const refused = (near: string) =>
      expect.objectContaining({
        code: 'ERR_MILLRACE_UNKNOWN_EVENT',
        message: expect.stringContaining(`did you mean '${near}'?`),
      });
    expect(() => server.on('recieve' as 'receive', () => {})).toThrow(refused('receive'));
    expect(() => server.on('workerstart' as 'workerStart', () => {})).toThrow(refused('workerStart'));
    const port = server.addListener({ port: 0 });
    expect(() => port.on('conect' as 'connect', () => {})).toThrow(refused('connect'));
    expect(() => server.on('receive', 'handler' as never)).toThrow(code('ERR_MILLRACE_OPTION'));
  });

  test('what is no function is refused where it is said that it handles something', () => {
    const server = createServer(good);
    const refused = expect.objectContaining({
      code: 'ERR_MILLRACE_OPTION',
      message: expect.stringMatching(/ is a function, not (undefined|object)\.$/),
    });
    for (const handler of [undefined, null, { run() {} }] as unknown as (() => void)[]) {
      expect(() => server.addProcess(handler)).toThrow(refused);
      expect(() => server.addCommand('look', 'worker', handler)).toThrow(refused);
      expect(() => server.on('receive', handler)).toThrow(refused);
    }
    // What was refused is not there.
    expect(server.addProcess(() => {})).toBe(1);
    server.addCommand('look', 'worker', () => {});
  });

  test('what is no session id is an error in every call that does something to one, and not a session that is closed', async () => {
    const server = createServer(good);
    for (const id of ['1', undefined, null, Number.NaN, 1.5, 0, -1, {}] as unknown as number[]) {
      const calls = [
        () => server.send(id, 'x'),
        () => server.sendFile(id, '/etc/hostname'),
        () => server.close(id),
        () => server.pause(id),
        () => server.resume(id),
        () => server.protect(id),
        () => server.bind(id, 1),
      ];
      for (const call of calls) expect(call).toThrow(code('ERR_MILLRACE_SESSION_ID'));
      await expect(server.drained(id)).rejects.toThrow(code('ERR_MILLRACE_SESSION_ID'));
    }
  });

  test('a unix path with a NUL behind its first byte is refused', () => {
    const make = (path: string) => () => createServer({ path } as ServerOptions);
    expect(make('/run/a\0b')).toThrow("'path' cannot be");
    expect(make('\0a\0b')).toThrow("'path' cannot be");
    expect(make('\0abstract')).not.toThrow();
  });

  test('an unknown field of the framing is an error that names where', () => {
    const framing = { kind: 'eof', delimeter: '\n' } as unknown as { kind: 'eof' };
    expect(() => createServer({ ...good, framing })).toThrow(
      "'delimeter' in 'framing'; did you mean 'delimiter'?",
    );
  });

  test.each([
    ['port', 70_000],
    ['port', '9501'],
    ['workerNum', 0],
    ['taskWorkerNum', -1],
    ['ringSize', 100_000],
    ['spin', -1],
    ['spin', 10_001],
    ['host', 'localhost'],
    ['packageMaxLength', 1.5],
    ['logLevel', 'loud'],
    ['tasks', { count: 3 }],
    ['pidFile', '/run/a\0b'],
    ['logFile', 'a\0b'],
    ['chroot', '/srv\0'],
    ['taskTmpdir', '/tmp\0/x'],
    ['taskQueueName', '/tasks\0'],
  ])('%s cannot be %j, and the error names both', (name, value) => {
    const make = () => createServer({ ...good, [name]: value } as ServerOptions);
    expect(make).toThrow(code('ERR_MILLRACE_OPTION'));
    expect(make).toThrow(`'${name}`);
  });
});

describe('handlers', () => {
  test('a listener without a receive handler is an error that names the listener', async () => {
    await expect(createServer(good).start()).rejects.toMatchObject({
      code: 'ERR_MILLRACE_HANDLER_MISSING',
      message: expect.stringContaining("'receive'"),
    });
  });

  test('task workers without a task are an error', async () => {
    const server = createServer({ ...good, taskWorkerNum: 1 }).on('receive', () => {});
    await expect(server.start()).rejects.toMatchObject({ code: 'ERR_MILLRACE_HANDLER_MISSING' });
  });

  test('calls in the wrong role or before the start say so', async () => {
    const server = createServer(good);
    await expect(server.plainTask('anything')).rejects.toMatchObject({ code: 'ERR_MILLRACE_NOT_RUNNING' });
    expect(() => server.connections).toThrow(code('ERR_MILLRACE_NOT_RUNNING'));
  });
});

test('a port in use is a typed error with errno and advice, and leaves nothing behind', async () => {
  const holder = createNetServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as { port: number };
  await using program = launch('echo', { port });
  const [, json] = await program.printed(/^failed (.*)$/m);
  expect(JSON.parse(json as string)).toMatchObject({
    code: 'ERR_MILLRACE_LISTEN',
    errnoName: 'EADDRINUSE',
    syscall: 'bind',
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
  expect(await program.ended()).toEqual({ code: 1, signal: null });
  holder.close();
});

test('workers that cannot start end the server with a typed error', async () => {
  await using program = launch('broken');
  const [, json] = await program.printed(/^failed (.*)$/m);
  expect(JSON.parse(json as string)).toMatchObject({ code: 'ERR_MILLRACE_START_FAILED' });
  expect(program.output).toMatch(/this worker cannot start/);
  expect(await program.ended()).toEqual({ code: 1, signal: null });
});

describe('what clients send', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ ...ALONE, packageMaxLength: 1_000 });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  test('a line over the limit closes its connection with a log line, and no other', async () => {
    const [good, bad] = await Promise.all([
      TestClient.connect(server.lines),
      TestClient.connect(server.lines),
    ]);
    expect(await good.ask('x'.repeat(999))).toHaveLength(999);
    bad.send('x'.repeat(1_001));
    await bad.serverClosed();
    await server.program.printed(/packageMaxLength \(1000 bytes\)/);
    expect(await good.ask('fine')).toBe('fine');
    good.close();
  });

  test('a frame that announces too much is closed before its bytes are kept', async () => {
    const client = await TestClient.connect(server.frames);
    client.send(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    await client.serverClosed();
    await server.program.printed(/packageMaxLength \(1000000 bytes\)/);
  });

  test('a connection that is broken off while answers are on their way harms nobody', async () => {
    const closed = /event close \d+ false/g;
    const before = server.program.count(closed);
    for (let i = 0; i < 20; i++) {
      const client = await TestClient.connect(server.lines);
      client.send('flood 100\n');
      client.socket.resetAndDestroy();
    }
    const client = await TestClient.connect(server.lines);
    expect(await client.ask('ok')).toBe('ok');
    await until('every close event', () => server.program.count(closed) >= before + 20);
    client.close();
  });

  test('a flood of bad clients writes few lines, and they are counted', async () => {
    const before = server.program.count(/packageMaxLength/g);
    for (let i = 0; i < 40; i++) {
      const client = await TestClient.connect(server.lines);
      client.send('x'.repeat(1_001));
      await client.serverClosed();
    }
    expect(server.program.count(/packageMaxLength/g) - before).toBeLessThan(40);
    const client = await TestClient.connect(server.lines);
    expect(await client.ask('ok')).toBe('ok');
    client.close();
  });
});

test('misspelt options of calls, and processes that there are not, are refused with what was meant or given', async () => {
  await using server = await startServer(ALONE, {}, 'wrong-calls');
  const client = await TestClient.connect(server.lines);
  expect(JSON.parse(await client.ask('go'))).toEqual([
    "server.reload has no option 'taskOnly'; did you mean 'tasksOnly'?",
    "close has no option 'rest'; did you mean 'reset'?",
    "sendFile has no option 'ofset'; did you mean 'offset'?",
    expect.stringMatching(/^This server has no listener for datagrams\. Add one before start/),
    expect.stringMatching(/^Listener 9 sends no datagrams: there is none of that number\./),
    expect.stringMatching(
      /^There is no process NaN: processes are 0 to 0( \(and to \d+ where it is scaled up\))?\.$/,
    ),
    expect.stringMatching(
      /^There is no process NaN: processes are 0 to 0( \(and to \d+ where it is scaled up\))?\.$/,
    ),
  ]);
  client.close();
});
