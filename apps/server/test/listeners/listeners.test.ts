import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoundDatagram, DatagramSocket, Reactor } from '@millrace/reactor';
import { type Program, TestClient, until, within } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createServer } from '../../src/index.js';
import { launch } from '../support.js';

const directory = mkdtempSync(join(tmpdir(), 'millrace-server-'));
const NAMES = ['plain', 'eof', 'glued', 'length', 'function', 'ipv6', 'unix', 'beating', 'idle'] as const;
let program: Program;
let ports: Record<string, number>;

beforeAll(async () => {
  program = launch('listeners', {}, { SOCKETS: directory });
  const [, text] = await program.printed(/^listening (.*)$/m);
  const numbers = (text as string).split(' ').map(Number);
  ports = Object.fromEntries(
    [...NAMES, 'udp', 'udp6', 'unixgram'].map((name, i) => [name, numbers[i] as number]),
  );
});
afterAll(async () => {
  program.kill('SIGTERM');
  await program.ended();
  expect(existsSync(join(directory, 'stream'))).toBe(false);
  expect(existsSync(join(directory, 'datagram'))).toBe(false);
  await program[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

describe('framing, each by its own listener', () => {
  test('none: what a read brings', async () => {
    const client = await TestClient.connect(ports.plain as number);
    expect(await client.ask('abc')).toBe('plain 4');
    client.close();
  });

  test('eof: each message by itself', async () => {
    const client = await TestClient.connect(ports.eof as number);
    client.send('a;bc;d');
    expect([await client.line(), await client.line()]).toEqual(['eof 2 a;', 'eof 3 bc;']);
    expect(await client.ask(';').then((line) => line)).toBe('eof 2 d;');
    client.close();
  });

  test('eof without split: what has come, once it ends with the delimiter', async () => {
    const client = await TestClient.connect(ports.glued as number);
    client.send('a;b;c;');
    expect(await client.line()).toBe('glued 6 a;b;c;');
    client.close();
  });

  test('G39 length: thousands of 2-byte packets that hold their own length come one by one', async () => {
    const client = await TestClient.connect(ports.length as number);
    const packets = 5_000;
    client.send(Buffer.alloc(2 * packets, Buffer.from([0, 2])));
    const answer = Buffer.from('length 2 \0\x02\n', 'latin1');
    const all = await client.take(packets * answer.length);
    expect(all.equals(Buffer.alloc(all.length, answer))).toBe(true);
    client.close();
  });

  test('function: what a module of the user says; a length that cannot be ends the connection', async () => {
    const client = await TestClient.connect(ports.function as number);
    client.send('3abc0');
    expect([await client.line(), await client.line()]).toEqual(['function 4 3abc', 'function 1 0']);
    for (const bad of ['x', '!']) {
      const other = await TestClient.connect(ports.function as number);
      other.send(bad);
      await other.serverClosed();
    }
    await program.printed(/packageMaxLength \(100 bytes\) or malformed/);
    client.close();
  });
});

test('IPv6 and unix sockets are served beside IPv4', async () => {
  const six = await TestClient.connect(ports.ipv6 as number, '::1');
  expect(await six.ask('hello')).toBe('ipv6 5 hello');
  six.close();
  const path = join(directory, 'stream');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const socket = connect(path);
  socket.write('over a path\n');
  const [data] = await within('an answer', once(socket, 'data'));
  expect(String(data)).toBe('unix 11 over a path\n');
  socket.destroy();
});

describe('datagrams', () => {
  test.each([
    ['udp', 'udp4', '127.0.0.1', 9],
    ['udp6', 'udp6', '::1', 10],
  ] as const)('over %s come as packets and are answered', async (name, type, host, index) => {
    const socket = createSocket(type);
    onTestFinished(() => void socket.close());
    const answers: string[] = [];
    socket.on('message', (message) => answers.push(message.toString()));
    const ask = (text: string) => socket.send(text, ports[name] as number, host);
    // Datagrams may be lost, over the loopback interface too.
    await until('an answer', () => {
      ask('hello');
      return answers.includes(`hello from ${host} to ${index}`);
    });
    await until('both answers', () => {
      ask('twice');
      return answers.includes('by the server') && answers.includes(`twice from ${host} to ${index}`);
    });
    ask('fail');
    await program.printed(/a handler of datagrams that throws/);
    await until('an answer after that', () => {
      ask('still there?');
      return answers.includes(`still there? from ${host} to ${index}`);
    });
  });

  test('over a unix path come as packets and are answered', async () => {
    const reactor = new Reactor();
    const own = new BoundDatagram({ path: join(directory, 'client') });
    const answers: string[] = [];
    const handlers = {
      onMessage: (_: DatagramSocket, memory: Buffer, end: number) =>
        void answers.push(memory.toString('utf8', 0, end)),
    };
    const socket = new DatagramSocket(reactor, own, { handlers });
    onTestFinished(() => {
      socket.close();
      own.close();
      reactor.close();
    });
    socket.send('hello', { path: join(directory, 'datagram') });
    await until('an answer', () => answers.length > 0);
    expect(answers).toEqual([`hello from ${join(directory, 'client')} to 11`]);
  });
});

describe('idle clients', () => {
  test('G40 a client that never sends is closed after its idle time, and one that sends is not', async () => {
    const began = performance.now();
    const silent = await TestClient.connect(ports.beating as number);
    const lively = await TestClient.connect(ports.beating as number);
    const elsewhere = await TestClient.connect(ports.plain as number);
    await until('the silent one to be closed', async () => {
      await lively.ask('here');
      return silent.ended || silent.socket.readableEnded;
    });
    expect(performance.now() - began).toBeGreaterThan(1_000);
    await program.printed(/event close \d+ true idle/);
    expect(await lively.ask('still here')).toBe('beating 10 still here');
    expect(await elsewhere.ask('no limit here')).toBe('plain 14');
    for (const client of [lively, elsewhere]) client.close();
  });

  test('with maxIdleTime, silence in both directions counts', async () => {
    const client = await TestClient.connect(ports.idle as number);
    expect(await client.ask('hello')).toBe('idle 5 hello');
    const began = performance.now();
    await client.serverClosed();
    expect(performance.now() - began).toBeGreaterThan(500);
  });
});

describe('options', () => {
  const make = (options: object) => () => createServer({ port: 0, ...options } as never);
  test.each([
    [{ port: undefined }, "either a 'port' (0 picks a free one) or a 'path'"],
    [{ path: '/tmp/x' }, "either a 'port'"],
    [{ bufferHighWatermark: 9 << 20 }, "'bufferHighWatermark' cannot be 9437184: at most 'socketBufferSize'"],
    [
      { bufferLowWatermark: 5 << 20 },
      "'bufferLowWatermark' cannot be 5242880: at most 'bufferHighWatermark'",
    ],
    [{ dispatchMode: 'fixd' }, '\'dispatchMode\' cannot be "fixd"'],
    [{ dispatchMode: 'function' }, "needs 'dispatchModule'"],
    [{ dispatchModule: './x.js' }, "is for dispatchMode 'function'"],
    [{ keepAlive: { idel: 3 } }, "'idel' in 'keepAlive'; did you mean 'idle'?"],
    [{ framing: { kind: 'eof', delimiter: '' } }, '\'framing.delimiter\' cannot be "": 1 to 8 bytes'],
    [{ framing: { kind: 'eof', delimiter: 'more than eight' } }, '1 to 8 bytes'],
    [{ heartbeatIdleTimes: 3 }, "did you mean 'heartbeatIdleTime'?"],
    [{ spin: 100, ipc: 'pipe' }, "'spin' cannot be 100 with ipc 'pipe'"],
    [{ maxConnections: 0 }, "'maxConnections' cannot be 0"],
    [{ backlog: 'many' }, '\'backlog\' cannot be "many"'],
    [{ type: 'packet' }, '\'type\' cannot be "packet"'],
  ])('%j is refused, and the message says what is allowed', (options, message) => {
    expect(make(options)).toThrow(message);
  });

  test('a datagram listener needs a handler for packets, and says so', async () => {
    const server = createServer({ port: 0, type: 'datagram', workerNum: 1 });
    await expect(server.on('receive', () => {}).start()).rejects.toThrow("no handler for 'packet'");
  });
});
