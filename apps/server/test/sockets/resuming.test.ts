import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerOptions } from '@millrace/server';
import { isRunning, type Program, until } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { launch, matrix } from '../support.js';

/** Milliseconds that a reload may take: each process of it loads the program, where others keep the processors busy. */
const RELOAD_MS = 50_000;
const PATIENT = { maxWaitTime: 60_000 };

let files: string;
beforeAll(() => {
  files = mkdtempSync(join(tmpdir(), 'resuming-'));
});
afterAll(() => rmSync(files, { recursive: true }));

let names = 0;
const fileName = () => join(files, String(names++));

/** What a process says of a WebSocket that it goes on with. */
interface Resumed {
  readonly state: string;
  readonly unsettled: number;
  readonly url: string;
  readonly test: string;
  readonly pid: number;
  readonly protocol: string;
}

/** A client that keeps what it is told. */
class Client {
  readonly socket: WebSocket;
  readonly #received: string[] = [];
  code = 0;

  constructor(port: number, path = '/', options: ClientOptions = {}, protocols: string[] = []) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, {
      perMessageDeflate: false,
      ...options,
    });
    this.socket.on('message', (data) => this.#received.push(String(data)));
    this.socket.on('error', () => {});
    this.socket.on('close', (code) => {
      this.code = code;
    });
    onTestFinished(() => this.socket.terminate());
  }

  static async open(...args: ConstructorParameters<typeof Client>): Promise<Client> {
    const client = new Client(...args);
    await once(client.socket, 'open');
    return client;
  }

  /** The next message. */
  async next(): Promise<string> {
    await until(`a message, where the code is ${this.code}`, () => this.#received.length > 0, {
      deadlineMs: RELOAD_MS,
    });
    return this.#received.shift() as string;
  }

  get waiting(): number {
    return this.#received.length;
  }

  async ask(text: string): Promise<string> {
    this.socket.send(text);
    return this.next();
  }

  async pid(): Promise<number> {
    return Number(await this.ask('pid'));
  }

  /** That another process goes on with it. */
  async resumed(): Promise<Resumed> {
    const text = await this.next();
    expect(text).toMatch(/^resumed /);
    return JSON.parse(text.slice('resumed '.length)) as Resumed;
  }

  /** The code that it is closed with. */
  async closed(): Promise<number> {
    await until('the end of a WebSocket', () => this.code > 0, { deadlineMs: RELOAD_MS });
    return this.code;
  }

  /** Sends bytes as they are. */
  raw(bytes: Uint8Array): void {
    (this.socket as unknown as { _socket: { write(bytes: Uint8Array): void } })._socket.write(bytes);
  }
}

/** A frame of a client, with a mask of zeros. */
function frame(first: number, payload: string | Uint8Array): Buffer {
  const body = Buffer.from(payload);
  const head =
    body.length < 126
      ? [first, 0x80 | body.length]
      : [first, 0x80 | 126, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), body]);
}

interface Resuming extends AsyncDisposable {
  readonly program: Program;
  readonly port: number;
  /** What the processes to come do. */
  release(what: object): void;
}

async function start(what: object = {}, options: Partial<ServerOptions> = {}): Promise<Resuming> {
  const RELEASE = fileName();
  const release = (to: object) => writeFileSync(RELEASE, JSON.stringify(to));
  release(what);
  const program = launch('resuming', { ...PATIENT, ...options }, { RELEASE });
  const [, port] = await program.printed(/^listening (\d+)$/m);
  return {
    program,
    port: Number(port),
    release,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

async function killed(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await until(`the end of process ${pid}`, () => !isRunning(pid));
}

async function reload({ program }: Resuming): Promise<void> {
  const before = program.count(/^event afterReload/gm);
  program.kill('SIGUSR1');
  await until('the reload to be over', () => program.count(/^event afterReload/gm) > before, {
    deadlineMs: RELOAD_MS,
  });
}

describe('a WebSocket of a program that resumes it', () => {
  const reactorNum = 2;
  test('goes on in the next process when its own is killed, with what was kept and how it came', async () => {
    await using server = await start({}, { reactorNum });
    const client = await Client.open(server.port, '/chat?room=1', { headers: { 'X-Test': 'yes' } }, [
      'a',
      'b',
    ]);
    expect(await client.ask('keep first')).toBe('true');
    expect(await client.ask('keep second')).toBe('true');
    const before = await client.pid();
    await killed(before);
    const resumed = await client.resumed();
    expect(resumed).toEqual({
      state: 'second',
      // The question for the pid.
      unsettled: 1,
      url: '/chat?room=1',
      test: 'yes',
      protocol: 'a',
      pid: expect.any(Number),
    });
    expect(resumed.pid).not.toBe(before);
    expect(await client.pid()).toBe(resumed.pid);
    // Who may come in was asked once.
    expect(server.program.count(/^verified/gm)).toBe(1);
    // And again, by the process that has not seen its handshake.
    expect(await client.ask('keep third')).toBe('true');
    await killed(resumed.pid);
    expect(await client.resumed()).toMatchObject({
      state: 'third',
      unsettled: 0,
      test: 'yes',
      protocol: 'a',
    });
    expect(client.code).toBe(0);
  });

  test('loses no message that the killed process had not taken, and gets none twice', async () => {
    await using server = await start({}, { reactorNum });
    const client = await Client.open(server.port);
    await client.ask('keep here');
    const before = await client.pid();
    process.kill(before, 'SIGSTOP');
    for (let i = 0; i < 50; i++) client.socket.send(`message ${i} ${'x'.repeat(i * 40)}`);
    client.socket.ping();
    await until('the messages to be on their way', () => client.socket.bufferedAmount === 0);
    await killed(before);
    expect(await client.resumed()).toMatchObject({ state: 'here', unsettled: 1 });
    for (let i = 0; i < 50; i++) expect(await client.next()).toBe(`message ${i} ${'x'.repeat(i * 40)}`);
    expect(await client.ask('the last')).toBe('the last');
    expect(client.waiting).toBe(0);
  });

  test('does not give a message to another process that has killed one, and says that it was taken', async () => {
    await using server = await start({}, { reactorNum });
    const client = await Client.open(server.port);
    await client.ask('keep before');
    client.socket.send('die');
    client.socket.send('after');
    expect(await client.resumed()).toMatchObject({ state: 'before', unsettled: 1 });
    expect(await client.next()).toBe('after');
    expect(server.program.count(/^resumes/gm)).toBe(1);
  });

  test('goes on through reloads, with every message once', async () => {
    await using server = await start({}, { reactorNum });
    const client = await Client.open(server.port);
    await client.ask('keep 0');
    const first = await client.pid();
    let sent = 0;
    const sending = setInterval(() => client.socket.send(`number ${sent++}`), 2);
    try {
      await reload(server);
      await reload(server);
    } finally {
      clearInterval(sending);
    }
    client.socket.send('end');
    const got: string[] = [];
    const pids: number[] = [];
    for (;;) {
      const text = await client.next();
      if (text === 'end') break;
      if (text.startsWith('resumed ')) pids.push((JSON.parse(text.slice(8)) as Resumed).pid);
      else got.push(text);
    }
    expect(got).toEqual(Array.from({ length: sent }, (_, i) => `number ${i}`));
    expect(pids).toHaveLength(2);
    expect(new Set([first, ...pids]).size).toBe(3);
    expect(client.code).toBe(0);
    // To the program of the process before it has not ended.
    expect(server.program.count(/^closed/gm)).toBe(0);
  });

  test('stays with the process that has the beginning of a message until the end has come', async () => {
    await using server = await start({}, { reactorNum });
    const client = await Client.open(server.port);
    const other = await Client.open(server.port);
    const before = await client.pid();
    client.raw(frame(0x01, 'the first part, '));
    client.raw(frame(0x89, 'ping'));
    await other.pid();
    server.program.kill('SIGUSR1');
    const { pid } = await other.resumed();
    expect(pid).not.toBe(before);
    client.raw(frame(0x00, 'the second, '));
    client.raw(frame(0x80, 'the last'));
    expect(await client.next()).toBe('the first part, the second, the last');
    expect(await client.resumed()).toMatchObject({ pid });
  });

  test('is closed with 1012 when its process dies in the middle of a message', async () => {
    await using server = await start({}, { reactorNum });
    const [parts, large] = [await Client.open(server.port), await Client.open(server.port)];
    const before = await parts.pid();
    parts.raw(frame(0x01, 'the first part'));
    large.raw(frame(0x82, Buffer.alloc(60_000)).subarray(0, 30_000));
    parts.socket.ping();
    await once(parts.socket, 'pong');
    await until(
      'the piece to be taken',
      async () => (await (await Client.open(server.port)).pid()) === before,
    );
    await killed(before);
    expect([await parts.closed(), await large.closed()]).toEqual([1012, 1012]);
  });

  test('is closed with 1012 where the next process does not resume it, and the others are served', async () => {
    await using server = await start({}, { reactorNum });
    const client = await Client.open(server.port);
    const before = await client.pid();
    server.release({ resumes: 'not' });
    await killed(before);
    expect(await client.closed()).toBe(1012);
    const next = await Client.open(server.port);
    expect(await next.pid()).not.toBe(before);
    await server.program.printed(/1 WebSockets of the process before were closed with 1012: .*default/);
  });

  test.each(['throws', 'rejects'])(
    'is closed with 1011 where the handler %s, and the others are served',
    async (resumes) => {
      await using server = await start({}, { reactorNum });
      const client = await Client.open(server.port);
      const before = await client.pid();
      server.release({ resumes });
      await killed(before);
      expect(await client.closed()).toBe(1011);
      await server.program.printed(
        /closed with 1011, for it could not be resumed: Error: It cannot be resumed/,
      );
      const next = await Client.open(server.port);
      expect(await next.pid()).not.toBe(before);
      expect(server.program.count(/^resumes/gm)).toBe(1);
    },
  );

  test('is closed with 1012 once three processes have ended over it', async () => {
    await using server = await start({}, { reactorNum });
    const client = await Client.open(server.port);
    const before = await client.pid();
    server.release({ resumes: 'dies' });
    await killed(before);
    expect(await client.closed()).toBe(1012);
    expect(server.program.count(/^resumes/gm)).toBe(3);
    await server.program.printed(/3 processes have ended while they resumed them/);
  });

  test('is resumed by the next process when one is killed in the middle of that', async () => {
    const gate = fileName();
    await using server = await start({}, { reactorNum });
    const client = await Client.open(server.port);
    await client.ask('keep this');
    const before = await client.pid();
    server.release({ resumes: 'late', gate });
    await killed(before);
    const [, pid] = await server.program.printed(/^resumes (\d+)$/m);
    await killed(Number(pid));
    await until('the next', () => server.program.count(/^resumes/gm) === 2, { deadlineMs: RELOAD_MS });
    client.socket.send('is it lost?');
    writeFileSync(gate, '');
    expect(await client.resumed()).toMatchObject({ state: 'this', unsettled: 1 });
    expect(await client.next()).toBe('is it lost?');
  });

  test('is let go by the program when that is through with it', async () => {
    const gate = fileName();
    await using server = await start({ suspends: true, gate }, { reactorNum });
    const client = await Client.open(server.port);
    const before = await client.pid();
    server.program.kill('SIGUSR1');
    await server.program.printed(new RegExp(`^suspends ${before}$`, 'm'));
    client.socket.send('meanwhile');
    writeFileSync(gate, '');
    expect(await client.next()).toBe('the last of this process');
    const resumed = await client.resumed();
    expect(resumed).toMatchObject({ state: 'kept at the end', unsettled: 0 });
    expect(resumed.pid).not.toBe(before);
    expect(await client.next()).toBe('meanwhile');
  });
});

test('a state of more than 4,096 bytes is refused, and what was kept before stays', async () => {
  await using server = await start();
  const client = await Client.open(server.port);
  expect(await client.ask('fill 4096')).toBe('true');
  expect(await client.ask('fill 4097')).toBe('ERR_MILLRACE_KEEP_SIZE');
  await killed(await client.pid());
  expect((await client.resumed()).state).toBe('x'.repeat(4_096));
});

test('a WebSocket whose request has no room to be kept ends with its process, and says so', async () => {
  await using server = await start();
  const client = await Client.open(server.port, '/', { headers: { 'X-Test': 'x'.repeat(9_000) } });
  expect(await client.ask('can')).toBe('false');
  expect(await client.ask('keep it')).toBe('false');
  await killed(await client.pid());
  expect(await client.closed()).toBe(1012);
});

describe('with permessage-deflate', () => {
  test('a WebSocket whose client goes on from what it has compressed before ends with its process', async () => {
    await using server = await start({ deflate: { threshold: 0 } });
    const client = await Client.open(server.port, '/', { perMessageDeflate: true });
    expect(client.socket.extensions).toBe('permessage-deflate');
    expect(await client.ask('can')).toBe('false');
    await killed(await client.pid());
    expect(await client.closed()).toBe(1012);
  });

  test('one whose client begins anew with each message is resumed', async () => {
    await using server = await start({ deflate: { threshold: 0, clientNoContextTakeover: true } });
    const client = await Client.open(server.port, '/', { perMessageDeflate: { threshold: 0 } });
    expect(client.socket.extensions).toBe('permessage-deflate');
    expect(await client.ask('can')).toBe('true');
    const text = 'the same words, '.repeat(100);
    expect(await client.ask(text)).toBe(text);
    await killed(await client.pid());
    await client.resumed();
    for (let i = 0; i < 3; i++) expect(await client.ask(`${text}${i}`)).toBe(`${text}${i}`);
  });

  test('one that the next release would not compress is closed with 1012', async () => {
    await using server = await start({ deflate: { threshold: 0, clientNoContextTakeover: true } });
    const client = await Client.open(server.port, '/', { perMessageDeflate: true });
    const before = await client.pid();
    server.release({ deflate: false });
    await killed(before);
    expect(await client.closed()).toBe(1012);
  });
});

test('a WebSocket of another protocol than the next release chooses is closed with 1012', async () => {
  await using server = await start();
  const client = await Client.open(server.port, '/', {}, ['a', 'b']);
  const before = await client.pid();
  server.release({ protocol: 'b' });
  await killed(before);
  expect(await client.closed()).toBe(1012);
});

test('what a client sends that is no WebSocket is for the program to refuse', async () => {
  await using server = await start();
  const client = await Client.open(server.port);
  expect(await client.ask('can')).toBe('true');
  // Without a mask.
  client.raw(Buffer.of(0x81, 0x01, 0x61));
  expect(await client.closed()).toBe(1002);
});

test('in a reload, those that are not resumed are told one after the other', async () => {
  await using server = await start({ resumes: 'not' }, { maxWaitTime: 6_000 });
  const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(server.port)));
  const times: number[] = [];
  for (const { socket } of clients) socket.on('close', () => times.push(performance.now()));
  server.program.kill('SIGUSR1');
  for (const client of clients) expect(await client.closed()).toBe(1012);
  // The last third of the time, less what is left for the answers.
  expect((times.at(-1) as number) - (times[0] as number)).toBeGreaterThan(1_000);
});

// Base mode has no pipes to its workers.
test.skipIf(matrix.ipc !== undefined)(
  'where connections end with their process, nothing is kept, and nothing fails',
  async () => {
    await using server = await start({}, { mode: 'base' });
    const client = await Client.open(server.port);
    expect(await client.ask('can')).toBe('false');
    expect(await client.ask('keep it')).toBe('false');
    expect(await client.ask('fill 4097')).toBe('ERR_MILLRACE_KEEP_SIZE');
  },
);
