/** A file is opened by the process that asks for it: what it may not read it cannot have sent, and what it may it can. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSocketPair, SOCK_SEQPACKET } from '@millrace/native/syscalls';
import { BoundDatagram, DatagramSocket, Reactor } from '@millrace/reactor';
import { canBeOthers, OTHER_USER, TestClient, until } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { asReactor } from '../../src/contract/ids.js';
import type { ServerOptions } from '../../src/index.js';
import { FileReceiver, FileSender } from '../../src/links/file-link.js';
import { isBase, launch, startServer } from '../support.js';

/** What lies between workers and reactor threads; in base mode nothing does. */
const REACTOR = asReactor(0);
const OF_THE_MODE: Partial<ServerOptions>[] = isBase ? [{}] : [{ ipc: 'ring' }, { ipc: 'pipe' }];

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-file-rights-'));
  chmodSync(directory, 0o755);
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Files of one line each, of a user and for that user alone. */
function file(name: string, owner: number, text = name): string {
  const path = join(directory, name);
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  chownSync(path, owner, owner);
  return path;
}

/** The files that a process has open, by their paths. */
function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      // It was closed in between.
      return [];
    }
  });
}

/** A client, and how it asks a worker, or with `@` a task worker, to send it a file. */
async function clientOf(port: number) {
  const client = await TestClient.connect(port);
  const [id] = (await client.ask('me')).split(' ');
  return { client, ask: (at: string, path: string) => client.ask(`${at}file ${id} ${path}`) };
}

describe.runIf(canBeOthers)('with less rights than the master', () => {
  test.each(OF_THE_MODE)('a user’s processes send what that user may read, with %j', async (links) => {
    const secret = file('secret', 0);
    const own = file('own', OTHER_USER);
    await using server = await startServer({ user: OTHER_USER, group: OTHER_USER, ...links }, {}, 'sessions');
    for (const at of ['', '@']) {
      const { client, ask } = await clientOf(server.lines);
      expect(JSON.parse(await ask(at, secret))).toMatchObject({ code: 'EACCES' });
      expect([await ask(at, own), await client.line()].sort()).toEqual(['own', 'true']);
      client.close();
    }
    expect(server.program.output).not.toContain('Cannot send a file');
  });

  test('below another root directory a path means what it means there', async () => {
    const outside = file('outside', 0);
    const root = join(directory, 'root');
    mkdirSync(join(root, 'etc'), { recursive: true });
    chmodSync(root, 0o755);
    writeFileSync(join(root, 'etc/passwd'), 'inside\n');
    mkdirSync(join(root, 'tmp'), { mode: 0o1777 });
    chmodSync(join(root, 'tmp'), 0o1777);
    const options = { user: OTHER_USER, group: OTHER_USER, chroot: root, taskTmpdir: '/tmp' };
    await using server = await startServer(options, {}, 'sessions');
    for (const at of ['', '@']) {
      const { client, ask } = await clientOf(server.lines);
      // What a task worker sends and its worker's answer go by two ways.
      expect([await ask(at, '/etc/passwd'), await client.line()].sort()).toEqual(['inside', 'true']);
      expect(JSON.parse(await ask(at, outside))).toMatchObject({ code: 'ENOENT' });
      client.close();
    }
  });
});

test.runIf(canBeOthers)(
  'a datagram goes to a unix socket with the rights of the process that sends it',
  async () => {
    await using program = launch(
      'listeners',
      { user: OTHER_USER, group: OTHER_USER },
      { SOCKETS: directory },
    );
    await program.printed(/^listening/m);
    const reactor = new Reactor();
    onTestFinished(() => reactor.close());
    const answers: Record<string, string[]> = { secret: [], open: [] };
    const socketOf = (name: 'secret' | 'open', mode: number) => {
      const bound = new BoundDatagram({ path: join(directory, name) }, { permissions: mode });
      const socket = new DatagramSocket(reactor, bound, {
        handlers: {
          onMessage: (_, memory, end) => void answers[name]?.push(memory.toString('utf8', 0, end)),
        },
      });
      onTestFinished(() => {
        socket.close();
        bound.close();
      });
      return socket;
    };
    const to = { path: join(directory, 'datagram') };
    socketOf('secret', 0o600).send('hello', to);
    await program.printed(/EACCES/);
    socketOf('open', 0o666).send('hello', to);
    await until('the answer', () => answers.open?.length === 1);
    expect(answers.secret).toEqual([]);
  },
);

test('a FIFO keeps no process waiting, and what is sent to nobody is closed', async () => {
  const fifo = join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const large = join(directory, 'large');
  writeFileSync(large, Buffer.alloc(4 << 20));
  await using server = await startServer({ workerNum: 1, taskWorkerNum: 1 }, {}, 'sessions');
  const { client, ask } = await clientOf(server.lines);
  for (const at of ['', '@'])
    expect(JSON.parse(await ask(at, fifo))).toMatchObject({ code: 'ERR_MILLRACE_FILE' });
  const open = () =>
    [server.program.pid, ...server.program.children().map(({ pid }) => pid)]
      .flatMap((pid) => openFiles(pid))
      .filter((target) => target.includes(directory));
  for (let i = 0; i < 20; i++) {
    const other = await clientOf(server.lines);
    const [id] = (await other.client.ask('me')).split(' ');
    client.send(`file ${id} ${large}\n`);
    client.send(`@file ${id} ${large}\n`);
    other.client.socket.destroy();
    for (let answers = 0; answers < 2; answers++) expect(await client.line()).toMatch(/true|false|undefined/);
  }
  await until('every file to be closed', () => open().length === 0);
  client.close();
});

test('a descriptor whose packet never came is closed, and none is taken for another', () => {
  const [from, to] = createSocketPair(SOCK_SEQPACKET);
  const paths = ['of a dead process', 'first', 'second', 'held'].map((name) => join(directory, name));
  for (const path of paths) writeFileSync(path, path);
  const [orphan, first, second, held] = paths.map((path) => openSync(path, 'r')) as [
    number,
    number,
    number,
    number,
  ];
  const receiver = new FileReceiver(to);
  new FileSender([from]).send(REACTOR, orphan);
  const later = new FileSender();
  const heldToken = Buffer.from(later.send(REACTOR, held));
  const sender = new FileSender([from]);
  const tokens = [first, second].map((fd) => Buffer.from(sender.send(REACTOR, fd)));
  later.connect([from]);
  const here = () => openFiles(process.pid).filter((target) => target.startsWith(directory));
  for (const [i, token] of [...tokens, heldToken].entries()) {
    const fd = receiver.take(token);
    expect(readFileSync(fd, 'utf8')).toBe(paths[i + 1]);
    closeSync(fd);
  }
  expect(receiver.take(heldToken)).toBe(-11); // EAGAIN
  expect(here()).toEqual([]);
  for (const fd of [from, to]) closeSync(fd);
});

test('more files than the kernel keeps for a reactor thread that does not read are refused', () => {
  const [from, to] = createSocketPair(SOCK_SEQPACKET);
  const sender = new FileSender([from]);
  const path = join(directory, 'file');
  writeFileSync(path, '');
  expect(() => {
    for (let i = 0; i < 10_000; i++) sender.send(REACTOR, openSync(path, 'r'));
  }).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_CHANNEL_FULL' }));
  for (const fd of [from, to]) closeSync(fd);
  expect(openFiles(process.pid).filter((target) => target === path)).toEqual([]);
});

test('a file that is sent, or whose client is gone, leaves no word on standard error', async () => {
  await using server = await startServer({}, {}, 'sessions');
  const { client, ask } = await clientOf(server.lines);
  expect([await ask('', '/etc/hostname'), await client.line()]).toContain('true');
  client.close();
  server.program.kill('SIGTERM');
  await server.program.ended();
  expect(server.program.output).not.toMatch(/Warning/);
});
