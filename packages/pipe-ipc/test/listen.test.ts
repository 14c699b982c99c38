import { chmodSync, existsSync, lstatSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Channel } from '@millrace/channel';
import { AF_UNIX, check, encodeUnixAddress, SOCK_SEQPACKET, syscalls } from '@millrace/native/syscalls';
import { asOtherUser, canBeOthers, LISTEN, OTHER_USER, until, within } from '@millrace/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { connectPipe, listenPipe } from '../src/index.js';

const directory = mkdtempSync(join(tmpdir(), 'millrace-listen-'));
afterAll(() => rmSync(directory, { recursive: true }));
let names = 0;
const newPath = () => join(directory, `${++names}.sock`);
const echo = (pipe: Channel<unknown>) => pipe.on('message', (value) => pipe.send(value));

test('a path with a NUL in it is refused by who listens and who connects', async () => {
  const bad = expect.objectContaining({ code: 'ERR_MILLRACE_BAD_ADDRESS' });
  expect(() => listenPipe(`${newPath()}\0x`, () => {})).toThrow(bad);
  await expect(async () => connectPipe(`${newPath()}\0x`)).rejects.toThrow(bad);
});

test('processes connect by a path, each with a channel of its own', async () => {
  for (const path of [newPath(), `\0millrace-listen-${process.pid}`]) {
    using listener = listenPipe<unknown>(path, echo);
    const pipes = await Promise.all([1, 2, 3].map(() => connectPipe<unknown>(listener.path)));
    for (const [i, pipe] of pipes.entries()) pipe.send({ from: i, text: 'x'.repeat(100_000) });
    for (const [i, pipe] of pipes.entries())
      expect(await pipe.receive()).toEqual({ from: i, text: 'x'.repeat(100_000) });
    for (const pipe of pipes) await pipe.close();
  }
});

test('a closed listener leaves no file, refuses, and its channels go on', async () => {
  const path = newPath();
  const listener = listenPipe<string>(path, echo as (pipe: Channel<string>) => void, { permissions: 0o600 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const pipe = await connectPipe<string>(path);
  pipe.send('before');
  expect(await pipe.receive()).toBe('before');
  listener.close();
  listener.close();
  expect(existsSync(path)).toBe(false);
  await expect(connectPipe(path)).rejects.toMatchObject({
    code: 'ERR_MILLRACE_PIPE_REFUSED',
    message: expect.stringContaining(path),
  });
  pipe.send('after');
  expect(await pipe.receive()).toBe('after');
  pipe.destroy();
});

test('the file of a listener that crashed is replaced, that of one that lives is not', async () => {
  const path = newPath();
  const { bytes, length } = encodeUnixAddress({ path });
  const crashed = check(syscalls.socket(AF_UNIX, SOCK_SEQPACKET, 0), 'socket');
  check(syscalls.bind(crashed, bytes, length), 'bind');
  check(syscalls.listen(crashed, 1), 'listen');
  expect(() => listenPipe(path, () => {})).toThrow(expect.objectContaining({ errnoName: 'EADDRINUSE' }));
  syscalls.close(crashed);
  expect(existsSync(path)).toBe(true);
  using listener = listenPipe(path, echo);
  expect((await connectPipe(listener.path)).closed).toBe(false);
});

test('who connects may wait for a listener that comes later, until a signal or a time-out', async () => {
  const path = newPath();
  await expect(connectPipe(path, { wait: true, timeout: 10 })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_PIPE_REFUSED',
  });
  const stop = new AbortController();
  const aborted = connectPipe(path, { wait: true, signal: stop.signal });
  stop.abort();
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  const why = new Error('enough');
  const refused = connectPipe(path, { wait: true, signal: AbortSignal.abort(why) });
  await expect(refused).rejects.toBe(why);
  const later = new AbortController();
  const waiting = connectPipe(path, { wait: true, signal: later.signal });
  later.abort(why);
  await expect(waiting).rejects.toBe(why);
  const connecting = connectPipe<string>(path, { wait: true });
  using _listener = listenPipe<string>(path, echo as (pipe: Channel<string>) => void);
  const pipe = await within('the connection', connecting);
  pipe.send('at last');
  expect(await pipe.receive()).toBe('at last');
  pipe.destroy();
});

test('a full backlog is waited for, and not for ever', async () => {
  const path = newPath();
  const { bytes, length } = encodeUnixAddress({ path });
  // Listens, and accepts nobody.
  const listener = check(syscalls.socket(AF_UNIX, SOCK_SEQPACKET, 0), 'socket');
  check(syscalls.bind(listener, bytes, length), 'bind');
  check(syscalls.listen(listener, 0), 'listen');
  const first = await connectPipe(path);
  await expect(connectPipe(path, { timeout: 20 })).rejects.toMatchObject({
    code: 'ERR_MILLRACE_PIPE_REFUSED',
    message: expect.stringContaining('backlog'),
  });
  const connecting = connectPipe(path);
  syscalls.close(check(syscalls.accept(listener, new Uint8Array(128)), 'accept'));
  const second = await within('the connection', connecting);
  first.destroy();
  second.destroy();
  syscalls.close(listener);
});

test('the close of one side ends the other, after what was sent', async () => {
  const path = newPath();
  const seen: unknown[] = [];
  let ended = false;
  using _listener = listenPipe<number>(path, (pipe) => {
    pipe.on('message', (value) => seen.push(value));
    pipe.on('close', () => {
      ended = true;
    });
  });
  const pipe = await connectPipe<number>(path);
  for (let i = 0; i < 1_000; i++) pipe.send(i);
  await pipe.close();
  await until('the end of the channel', () => ended);
  expect(seen).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
});

describe.runIf(canBeOthers)('another user of the machine', () => {
  test('who has made the name first is not sent anything, unless the program trusts that user', async () => {
    const name = `millrace-other-${process.pid}`;
    const other = await asOtherUser(LISTEN, ['SOCK_SEQPACKET', `@${name}`]);
    try {
      await expect(connectPipe(`\0${name}`)).rejects.toMatchObject({
        code: 'ERR_MILLRACE_UNTRUSTED',
        owner: OTHER_USER,
        message: expect.stringContaining('trustedUsers'),
      });
      for (const trustedUsers of [[OTHER_USER], 'any'] as const)
        (await connectPipe(`\0${name}`, { trustedUsers })).destroy();
    } finally {
      await other.stop();
    }
  });

  test('keeps a socket file, which is not replaced and is named in the error', async () => {
    const path = newPath();
    chmodSync(directory, 0o777);
    const other = await asOtherUser(LISTEN, ['SOCK_SEQPACKET', path]);
    await other.stop();
    expect(() => listenPipe(path, echo)).toThrow(
      expect.objectContaining({ errnoName: 'EADDRINUSE', message: expect.stringContaining('user 65534') }),
    );
    expect(lstatSync(path).isSocket()).toBe(true);
    rmSync(path);
    // A link to a file of ours that looks stale is no socket of ours.
    const stale = newPath();
    const { bytes, length } = encodeUnixAddress({ path: stale });
    const socket = check(syscalls.socket(AF_UNIX, SOCK_SEQPACKET, 0), 'socket');
    check(syscalls.bind(socket, bytes, length), 'bind');
    syscalls.close(socket);
    symlinkSync(stale, path);
    expect(() => listenPipe(path, echo)).toThrow(expect.objectContaining({ errnoName: 'EADDRINUSE' }));
    expect(lstatSync(path).isSymbolicLink() && existsSync(stale)).toBe(true);
  });
});

test('a connection may take for ever; what is no time is refused before anything is tried', async () => {
  const path = newPath();
  for (const timeout of [Number.NaN, -1, '5' as unknown as number])
    await expect(connectPipe(path, { timeout })).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TIMEOUT_VALUE',
    });
  const connecting = connectPipe<string>(path, { wait: true, timeout: Number.POSITIVE_INFINITY });
  using _listener = listenPipe<string>(path, echo as (pipe: Channel<string>) => void);
  (await within('the connection', connecting)).destroy();
});
