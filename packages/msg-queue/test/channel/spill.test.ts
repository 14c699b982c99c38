import { execFileSync, spawnSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesCodec, Frame } from '@millrace/channel';
import { thisProcess } from '@millrace/native';
import { PrivateDirectory } from '@millrace/native/internal';
import { canBeOthers, OTHER_USER, until, within } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SpillDirectory } from '../../src/channel/spill-directory.js';
import { makeSpillName, queueToken, SPILL_PREFIX, spillWriter } from '../../src/channel/spill-name.js';
import {
  BAD_MESSAGE_CHANNEL,
  PosixQueue,
  QueueChannel,
  SWEEP_CHANNEL,
  SystemVQueue,
} from '../../src/index.js';
import { payloads, testKey, testName } from '../support.js';

type Bytes = QueueChannel<Uint8Array, Buffer>;

interface Subject {
  open(side: 'left' | 'right', options?: object): Bytes;
  /** Posts bytes to what the right side receives, as any program could. */
  post(bytes: Uint8Array): void;
  dispose(): void;
  readonly identity: string;
}

let directory: string;
const channels: Bytes[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-spill-'));
});

afterEach(() => {
  for (const channel of channels.splice(0)) channel.destroy();
  rmSync(directory, { recursive: true, force: true });
});

function posix(): Subject {
  const name = testName();
  const [toRight] = QueueChannel.names(name);
  return {
    open: (side, options = {}) => {
      const channel = QueueChannel.open(name, side, { directory, codec: bytesCodec(), ...options });
      channels.push(channel);
      return channel;
    },
    post(bytes) {
      using queue = PosixQueue.open(toRight);
      expect(queue.trySend(bytes)).toBe('sent');
    },
    dispose: () => void QueueChannel.unlink(name, { directory }),
    identity: `posix:${toRight}`,
  };
}

function systemV(): Subject {
  const keys = [testKey(), testKey()] as const;
  return {
    open: (side, options = {}) => {
      const channel = QueueChannel.open(keys, side, { directory, codec: bytesCodec(), ...options });
      channels.push(channel);
      return channel;
    },
    post(bytes) {
      using queue = SystemVQueue.open(keys[0]);
      expect(queue.trySend(bytes)).toBe('sent');
    },
    dispose: () => void QueueChannel.unlink(keys, { directory }),
    identity: `sysv:0x${keys[0].toString(16).padStart(8, '0')}`,
  };
}

/** A directory of this user's payloads, as any of its programs may have made it: the digits of its name, and its path. */
function innerDirectory(): [digits: string, path: string] {
  const path = join(directory, PrivateDirectory.newName(SPILL_PREFIX));
  mkdirSync(path, { mode: 0o700 });
  return [path.slice(-32), path];
}

/** The name of a file whose writer is dead. */
function deadName(identity: string): string {
  const pid = Number(spawnSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }).stdout);
  const { pid: self, start } = thisProcess();
  return makeSpillName(queueToken(identity)).replace(`-${self}-${start}-`, `-${pid}-${start}-`);
}

describe.each([
  ['POSIX queues', posix],
  ['System V queues', systemV],
])('a channel over %s', (_name, subject) => {
  test('puts a large payload in a file of its user alone, which is gone before the payload is seen', async () => {
    const { open, dispose } = subject();
    const [left, right] = [open('left'), open('right')];
    left.send(Buffer.alloc(100_000, 7));
    const [file] = payloads(directory);
    expect(statSync(join(directory, file as string, '..')).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, file as string)).mode & 0o777).toBe(0o600);
    const seen = new Promise<number>((resolve) =>
      right.on('message', (payload) => {
        expect(payload.equals(Buffer.alloc(100_000, 7))).toBe(true);
        resolve(payloads(directory).length);
      }),
    );
    expect(await within('the payload', seen)).toBe(0);
    dispose();
  });

  test('says clearly that the directory is missing or refuses files, and goes on', async () => {
    const { open, dispose } = subject();
    const missing = join(directory, 'missing');
    const [left, right] = [open('left', { directory: missing }), open('right', { directory: missing })];
    expect(() => left.send(Buffer.alloc(20_000))).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_QUEUE_SPILL',
        errno: 2,
        message: expect.stringMatching(/20000 bytes.*missing.*ENOENT.*make it/),
      }),
    );
    left.send(Buffer.from('small'));
    expect((await right.receive())?.toString()).toBe('small');
    mkdirSync(missing);
    left.send(Buffer.alloc(20_000));
    expect(await right.receive()).toHaveLength(20_000);
    dispose();
  });

  test('ends with the reason when a payload that waited cannot be written any more', async () => {
    const { open, dispose } = subject();
    const [left, right] = [open('left'), open('right')];
    while (left.send(Buffer.alloc(20_000)));
    const ended = new Promise<Error | undefined>((resolve) => left.on('close', resolve));
    rmSync(directory, { recursive: true });
    right.on('message', () => {});
    expect(await within('the end', ended)).toMatchObject({ code: 'ERR_MILLRACE_QUEUE_SPILL' });
    mkdirSync(directory);
    dispose();
  });

  test('removes the file of a message that was never sent', () => {
    const { open, dispose } = subject();
    const left = open('left');
    let accepted = 0;
    while (left.stats().queuedBytes === 0) {
      left.send(Buffer.alloc(20_000));
      accepted++;
    }
    expect(payloads(directory)).toHaveLength(accepted);
    left.destroy();
    expect(payloads(directory)).toHaveLength(accepted - 1);
    dispose();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('counts, reports and skips what is no message, and gives the next', async () => {
    const { open, post, dispose, identity } = subject();
    const [left, right] = [open('left'), open('right')];
    const reports: unknown[] = [];
    const errors: unknown[] = [];
    const listen = (report: unknown) => reports.push(report);
    subscribe(BAD_MESSAGE_CHANNEL, listen);
    right.on('badMessage', (error) => errors.push(error));
    const secret = join(directory, 'secret');
    writeFileSync(secret, 'not yours');
    const [digits, inner] = innerDirectory();
    const linked = makeSpillName(queueToken(identity));
    symlinkSync(secret, join(inner, linked));
    const short = makeSpillName(queueToken(identity));
    writeFileSync(join(inner, short), 'short');
    const fifo = makeSpillName(queueToken(identity));
    execFileSync('mkfifo', [join(inner, fifo)]);
    const foreign = makeSpillName(queueToken('posix:/another'));
    writeFileSync(join(inner, foreign), '123456789');
    // Right but for its directory, which others may enter, or which is a link.
    const [open_, wide] = innerDirectory();
    const good = makeSpillName(queueToken(identity));
    writeFileSync(join(wide, good), '123456789');
    chmodSync(wide, 0o755);
    const elsewhere = '1'.repeat(32);
    symlinkSync(inner, join(directory, `millrace-queue-files-${elsewhere}`));
    writeFileSync(join(inner, good), '123456789');
    // As it was named before there were directories.
    writeFileSync(join(directory, good), '123456789');
    const garbage = [
      Buffer.alloc(0),
      Buffer.from('GET / HTTP/1.1'),
      Buffer.from('MRmq\x02\x00\x00\x00'),
      Buffer.from('MRmq\x01\x07\x00\x00'),
      Buffer.from('MRmq\x01\x00\x01\x00'),
      spilled('../secret', 9),
      spilled('secret', 9),
      spilled(`${digits}/../../secret`, 9),
      spilled(`${digits}/${linked}`, 9),
      spilled(`${digits}/${short}`, 9),
      spilled(`${digits}/${short}`, Number.MAX_SAFE_INTEGER),
      spilled(`${digits}/${fifo}`, 9),
      spilled(`${digits}/${foreign}`, 9),
      spilled(`${open_}/${good}`, 9),
      spilled(`${elsewhere}/${good}`, 9),
      spilled(good, 9),
    ];
    for (const bytes of garbage) {
      post(bytes);
      left.send(Buffer.from('good'));
      expect((await within('the good one', right.receive()))?.toString()).toBe('good');
    }
    expect(right.stats()).toMatchObject({ received: garbage.length, bad: garbage.length });
    expect(errors).toHaveLength(garbage.length);
    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_MILLRACE_QUEUE_BAD_MESSAGE' });
    expect(reports).toHaveLength(garbage.length);
    for (const kept of [
      secret,
      join(inner, foreign),
      join(inner, linked),
      join(wide, good),
      join(directory, good),
    ])
      expect(existsSync(kept), kept).toBe(true);
    unsubscribe(BAD_MESSAGE_CHANNEL, listen);
    dispose();
  });

  test('sweeps at its start what dead writers left, and nothing of the living or of a queue that holds messages', async () => {
    const { open, post, dispose, identity } = subject();
    const token = queueToken(identity);
    const living = makeSpillName(token);
    const needed = deadName(identity);
    const [digits, inner] = innerDirectory();
    for (const name of [living, needed, 'somebody-elses']) writeFileSync(join(inner, name), '123456789');
    open('left').destroy();
    post(spilled(`${digits}/${needed}`, 9));
    const first = open('right', { sweepGrace: 1 });
    expect((await within('the payload', first.receive()))?.toString()).toBe('123456789');
    first.destroy();
    const leftover = deadName(identity);
    writeFileSync(join(inner, leftover), 'nobody reads this');
    const sweeps: unknown[] = [];
    const listen = (sweep: unknown) => sweeps.push(sweep);
    subscribe(SWEEP_CHANNEL, listen);
    const second = open('right', { sweepGrace: 1 });
    await until('the sweep', () => second.transport.swept === 1);
    unsubscribe(SWEEP_CHANNEL, listen);
    expect(sweeps).toMatchObject([{ directory, removed: 1 }]);
    expect(readdirSync(inner).sort()).toEqual([living, 'somebody-elses'].sort());
    dispose();
  });

  test.runIf(canBeOthers)('reads no file of another user, and uses no directory of one', async () => {
    const { open, post, dispose, identity } = subject();
    const [left, right] = [open('left'), open('right')];
    const [digits, inner] = innerDirectory();
    const theirs = makeSpillName(queueToken(identity));
    writeFileSync(join(inner, theirs), '123456789');
    chownSync(join(inner, theirs), OTHER_USER, OTHER_USER);
    const [foreign, directoryOfTheirs] = innerDirectory();
    const own = makeSpillName(queueToken(identity));
    writeFileSync(join(directoryOfTheirs, own), '123456789');
    chownSync(directoryOfTheirs, OTHER_USER, OTHER_USER);
    const errors: unknown[] = [];
    right.on('badMessage', (error) => errors.push(error));
    post(spilled(`${digits}/${theirs}`, 9));
    post(spilled(`${foreign}/${own}`, 9));
    left.send(Buffer.alloc(20_000));
    expect(await within('the good one', right.receive())).toHaveLength(20_000);
    expect(errors).toHaveLength(2);
    for (const error of errors)
      expect(error).toMatchObject({
        code: 'ERR_MILLRACE_QUEUE_BAD_MESSAGE',
        message: expect.stringContaining(`user ${OTHER_USER}`),
      });
    expect(existsSync(join(inner, theirs)) && existsSync(join(directoryOfTheirs, own))).toBe(true);
    dispose();
    expect(existsSync(join(directoryOfTheirs, own))).toBe(true);
  });

  test('makes the directory anew when something cleans it', async () => {
    const { open, dispose } = subject();
    const [left, right] = [open('left'), open('right')];
    for (let i = 0; i < 2; i++) {
      left.send(Buffer.alloc(20_000));
      expect(await within('a payload', right.receive())).toHaveLength(20_000);
      for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
    }
    dispose();
  });

  test('what a process has sent outlives its death by SIGKILL, large payloads too', async () => {
    const { open, dispose, identity } = subject();
    open('right').destroy();
    const program = `
      const { PosixQueue, PosixQueueTransport, SystemVQueue, SystemVQueueTransport, QueueChannel } =
        await import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)});
      const identity = ${JSON.stringify(identity)}, directory = ${JSON.stringify(directory)};
      const transport = identity.startsWith('posix:')
        ? new PosixQueueTransport({ outgoing: PosixQueue.open(identity.slice(6)) }, { directory })
        : new SystemVQueueTransport({ outgoing: SystemVQueue.open(Number(identity.slice(5))) }, { directory });
      const { bytesCodec } = await import(${JSON.stringify(import.meta.resolve('@millrace/channel'))});
      const channel = new QueueChannel(transport, bytesCodec());
      channel.send(Buffer.from('small'));
      channel.send(Buffer.alloc(50_000, 3));
      await channel.drained();
      process.kill(process.pid, 'SIGKILL');`;
    const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    expect([signal, stderr]).toEqual(['SIGKILL', '']);
    const right = open('right', { sweepGrace: 1 });
    expect((await within('the small one', right.receive()))?.toString()).toBe('small');
    expect((await within('the large one', right.receive()))?.equals(Buffer.alloc(50_000, 3))).toBe(true);
    dispose();
  });
});

/** A message that says that its payload is in a file. */
function spilled(name: string, length: number): Buffer {
  const header = Buffer.from('MRmq\x01\x01\x00\x00--------');
  header.writeBigUInt64LE(BigInt(length), 8);
  return Buffer.concat([header, Buffer.from(name)]);
}

test('a file name tells its writer, and only to readers of its queue', () => {
  const name = makeSpillName(queueToken('posix:/a'));
  expect(spillWriter(name, queueToken('posix:/a'))).toEqual(thisProcess());
  expect(spillWriter(name, queueToken('posix:/b'))).toBeUndefined();
  expect(spillWriter(`${name}/..`, queueToken('posix:/a'))).toBeUndefined();
});

test('a disk that is full is named so, and no file is left', (context) => {
  const room = join(directory, 'small');
  mkdirSync(room);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', room]);
  if (mounted.status !== 0) return context.skip(`no file system can be mounted here: ${mounted.stderr}`);
  try {
    const full = new SpillDirectory(room, queueToken('posix:/full'), 1 << 20);
    const frame = new Frame();
    frame.setBody(Buffer.alloc(1 << 20));
    expect(() => full.write(frame)).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_QUEUE_SPILL',
        errno: 28,
        message: expect.stringMatching(/ENOSPC.*it is full/),
      }),
    );
    expect(payloads(room)).toEqual([]);
    full.close();
    expect(readdirSync(room)).toEqual([]);
  } finally {
    spawnSync('umount', [room]);
  }
});
