import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { createMemory, MappedMemory, syscalls } from '@millrace/native';
import { openDescriptors, Program, within } from '@millrace/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { Segment, SharedMemoryError } from '../src/index.js';
import { HEADER_BYTES } from '../src/segment-layout.js';
import { asArgument, freshNames, leftNames } from './segment-names.js';

const PROGRAM = new URL('../dist-test/fixtures/segment-user.js', import.meta.url);
const descriptors = openDescriptors('self');
afterAll(() => {
  expect(leftNames()).toEqual([]);
  expect(openDescriptors('self')).toBeLessThanOrEqual(descriptors);
});

const code = (value: string) => expect.objectContaining({ code: value });

describe.each(['posix', 'systemV'] as const)('%s segments', (kind) => {
  const fresh = () => freshNames()[kind];

  test('are shared with another process, and outlive their processes until destroyed', async () => {
    const name = fresh();
    const created = Segment.create(name, { size: 1_000 });
    expect(created.created).toBe(true);
    expect(created.bytes).toEqual(new Uint8Array(1_000));
    created.bytes[0] = 41;
    created.close();
    await using child = new Program(PROGRAM, { args: ['increment', asArgument(name)] });
    await child.printed(/saw 41/);
    await child.ended();
    using opened = Segment.open(name, { kind: 'bytes', size: 1_000 });
    expect(opened.created).toBe(false);
    expect(opened.bytes[0]).toBe(42);
    expect(Segment.destroy(name)).toBe(true);
    expect(Segment.destroy(name)).toBe(false);
    // Taken away is the name; whoever has it goes on.
    expect(opened.bytes[0]).toBe(42);
  });

  test('are shared with another thread', async () => {
    const name = fresh();
    using segment = Segment.create(name, { size: 8 });
    const worker = new Worker(PROGRAM, { argv: ['increment', asArgument(name)] });
    await within('the end of the thread', new Promise((resolve) => worker.once('exit', resolve)));
    expect(segment.bytes[0]).toBe(1);
    expect(segment.destroy()).toBe(true);
  });

  test('are listed with what they are', () => {
    const name = fresh();
    using segment = Segment.create(name, { size: 1_000, kind: 'cups', owners: 3, permissions: 0o640 });
    expect(Segment.list()).toContainEqual({
      name,
      kind: 'cups',
      size: 1_000,
      owners: 3,
      permissions: 0o640,
      creator: process.pid,
    });
    segment.destroy();
    expect(Segment.list().map(({ name }) => name)).not.toContainEqual(name);
  });

  test('are opened as what they are only, and the error names the difference', () => {
    const name = fresh();
    using segment = Segment.create(name, { size: 100, kind: 'cups', owners: 2 });
    for (const [expected, text] of [
      [{ kind: 'plates' }, 'kind cups, not plates'],
      [{ size: 101 }, 'size 100, not 101'],
      [{ owners: 1 }, 'owners 2, not 1'],
    ] as const) {
      expect(() => Segment.open(name, expected)).toThrow(
        expect.objectContaining({
          code: 'ERR_MILLRACE_SEGMENT_MISMATCH',
          message: expect.stringContaining(text),
        }),
      );
    }
    expect(() => Segment.openOrCreate(name, { size: 100 })).toThrow(code('ERR_MILLRACE_SEGMENT_MISMATCH'));
    segment.destroy();
  });

  test('a taken name, a missing one and a bad size are typed errors', () => {
    const name = fresh();
    expect(() => Segment.open(name)).toThrow(code('ERR_MILLRACE_SEGMENT_MISSING'));
    using segment = Segment.create(name, { size: 1 });
    expect(() => Segment.create(name, { size: 1 })).toThrow(code('ERR_MILLRACE_SEGMENT_EXISTS'));
    segment.destroy();
    for (const size of [0, -1, 1.5, Number.NaN, 2 ** 41]) {
      expect(() => Segment.create(name, { size })).toThrow(code('ERR_MILLRACE_SEGMENT_SIZE'));
    }
    expect(() => Segment.create(name, { size: 2 ** 39 })).toThrow(code('ERR_MILLRACE_NO_MEMORY'));
    expect(() => Segment.create(name, { size: 1, permissions: 0o700 })).toThrow(
      code('ERR_MILLRACE_SEGMENT_PERMISSIONS'),
    );
    expect(() => Segment.create(name, { size: 1, kind: 'two words' })).toThrow(
      code('ERR_MILLRACE_SEGMENT_NAME'),
    );
    expect(() => Segment.open(name)).toThrow(code('ERR_MILLRACE_SEGMENT_MISSING'));
  });

  test('what initialise throws leaves nothing behind', () => {
    const name = fresh();
    const initialise = () => {
      throw new Error('no');
    };
    expect(() => Segment.create(name, { size: 1, initialise })).toThrow('no');
    expect(() => Segment.open(name)).toThrow(code('ERR_MILLRACE_SEGMENT_MISSING'));
  });

  test('destroy takes away its own segment, not one that has got its name since', () => {
    const name = fresh();
    using first = Segment.create(name, { size: 1 });
    Segment.destroy(name);
    using second = Segment.create(name, { size: 1 });
    expect(first.destroy()).toBe(false);
    expect(second.destroy()).toBe(true);
  });

  test('use after close is an error or nothing, and never a crash', () => {
    const name = fresh();
    const segment = Segment.create(name, { size: 8, owners: 1 });
    const { bytes, owners } = segment;
    let closing = 0;
    segment.onClose(() => closing++);
    segment.onClose(() => closing++)();
    segment.close();
    segment.close();
    expect(closing).toBe(1);
    expect(segment.closed).toBe(true);
    expect(bytes.length).toBe(0);
    bytes[0] = 1;
    expect(bytes[0]).toBeUndefined();
    expect(() => segment.buffer).toThrow(code('ERR_MILLRACE_CLOSED'));
    expect(() => segment.owners).toThrow(code('ERR_MILLRACE_CLOSED'));
    expect(() => owners.claim()).toThrow(TypeError);
    expect(segment.destroy()).toBe(true);
  });

  test('of many processes that open or create at once, one creates, and all see it whole', async () => {
    const name = fresh();
    const programs = Array.from(
      { length: 6 },
      () => new Program(PROGRAM, { args: ['race', asArgument(name)] }),
    );
    for (const program of programs) await program.ended();
    const outputs = programs.map(({ output }) => output.trim()).sort();
    expect(outputs).toEqual(['created whole', ...Array.from({ length: 5 }, () => 'opened whole')]);
    Segment.destroy(name);
  });

  test('a creator killed before any of its system calls leaves nothing that the next is kept from', async () => {
    let deaths = 0;
    for (let fatal = 1; ; fatal++) {
      const name = fresh();
      await using program = new Program(PROGRAM, { args: ['die before', asArgument(name), String(fatal)] });
      const { signal } = await program.ended();
      using segment = Segment.openOrCreate(name, {
        size: 4096,
        owners: 4,
        initialise: ({ bytes }) => bytes.fill(7),
      });
      expect(segment.bytes.every((byte) => byte === 7)).toBe(true);
      segment.destroy();
      if (signal === null) break;
      deaths++;
    }
    expect(deaths).toBeGreaterThanOrEqual(3);
  });

  test('foreign memory is a typed error, and is left alone', () => {
    const { posix, systemV } = freshNames();
    if (kind === 'posix') {
      writeFileSync(`/dev/shm${posix}`, Buffer.alloc(4096));
      for (const use of [
        () => Segment.open(posix),
        () => Segment.openOrCreate(posix, { size: 1 }),
        () => Segment.destroy(posix),
      ]) {
        expect(use).toThrow(code('ERR_MILLRACE_SEGMENT_FOREIGN'));
      }
      writeFileSync(`/dev/shm${posix}`, 'short');
      expect(() => Segment.open(posix)).toThrow(code('ERR_MILLRACE_SEGMENT_FOREIGN'));
      rmSync(`/dev/shm${posix}`);
      return;
    }
    const id = syscalls.shmGet(systemV.key, 64, 0o1000 | 0o600);
    for (const use of [
      () => Segment.open(systemV),
      () => Segment.openOrCreate(systemV, { size: 1 }),
      () => Segment.destroy(systemV),
    ]) {
      expect(use).toThrow(code('ERR_MILLRACE_SEGMENT_FOREIGN'));
    }
    expect(syscalls.shmRemove(id)).toBe(0);
  });
});

test('a POSIX segment is a file with the permissions asked for, all of whose pages are taken', () => {
  const { posix } = freshNames();
  using segment = Segment.create(posix, { size: 1 << 20, permissions: 0o666 });
  const { mode, size, blocks } = statSync(`/dev/shm${posix}`);
  expect(mode & 0o777).toBe(0o666);
  expect(size).toBe((1 << 20) + HEADER_BYTES);
  expect(blocks * 512).toBeGreaterThanOrEqual(1 << 20);
  segment.destroy();
});

test('a full /dev/shm is an error at creation', (context) => {
  const script = `import { Segment } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    try { Segment.create('/big', { size: 2 ** 21 }); } catch ({ code, cause }) { console.log(code, cause.errnoName); }
    using0: { const segment = Segment.create('/small', { size: 2 ** 19 }); segment.bytes.fill(1); console.log('small'); }`;
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [
      '-m',
      'sh',
      '-c',
      'mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$0" --input-type=module -e "$1"',
      process.execPath,
      script,
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0 && /unshare|mount/.test(stderr)) context.skip('a mount of its own is not permitted here');
  expect(stdout).toBe('ERR_MILLRACE_NO_MEMORY ENOSPC\nsmall\n');
});

test('a System V segment is shown by ipcs, with its permissions and its pages taken', () => {
  const { systemV } = freshNames();
  using segment = Segment.create(systemV, { size: 1 << 20, permissions: 0o644 });
  const line = readFileSync('/proc/sysvipc/shm', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([key]) => Number(key) === systemV.key);
  expect(line?.slice(2, 4)).toEqual(['644', String((1 << 20) + HEADER_BYTES)]);
  // Its resident bytes, the second column from the end.
  expect(Number(line?.at(-2))).toBeGreaterThanOrEqual(1 << 20);
  expect(execFileSync('ipcs', ['-m'], { encoding: 'utf8' })).toContain(systemV.key.toString(16));
  segment.destroy();
});

test('a System V segment can be named by a path, as ftok makes its key', () => {
  const path = new URL(import.meta.url).pathname;
  const name = { path, project: 77 };
  const { dev, ino } = statSync(path);
  using segment = Segment.create(name, { size: 1 });
  using same = Segment.open({ key: ((77 << 24) | ((dev & 0xff) << 16) | (ino & 0xffff)) >>> 0 });
  segment.bytes[0] = 5;
  expect(same.bytes[0]).toBe(5);
  segment.destroy();
  expect(() => Segment.open({ path: '/nowhere' })).toThrow('ENOENT');
});

test('a living creator of a System V segment is waited for, until the timeout', async () => {
  const { systemV } = freshNames();
  await using program = new Program(PROGRAM, { args: ['create slowly', asArgument(systemV), '700'] });
  await program.printed(/making/);
  expect(() => Segment.open(systemV, { timeout: 20 })).toThrow(code('ERR_MILLRACE_SEGMENT_UNFINISHED'));
  using segment = Segment.openOrCreate(systemV, { size: 4096, owners: 4, timeout: 20_000 });
  expect(segment.created).toBe(false);
  expect(segment.bytes[0]).toBe(9);
  await program.ended();
  segment.destroy();
});

test('a System V segment whose creator is killed while somebody waits for it is made by who waits', async () => {
  const { systemV } = freshNames();
  await using program = new Program(PROGRAM, { args: ['create slowly', asArgument(systemV), '60000'] });
  await program.printed(/making/);
  spawnSync('sh', ['-c', `(sleep 0.1; kill -9 ${program.pid}) &`]);
  using segment = Segment.openOrCreate(systemV, { size: 4096, owners: 4, timeout: 20_000 });
  expect(segment.created).toBe(true);
  segment.destroy();
});

test('bad names say what a name is', () => {
  for (const name of [
    'visits',
    '/',
    '/a/b',
    '/..',
    `/${'x'.repeat(255)}`,
    { key: 0 },
    { key: 2 ** 32 },
    { path: '/', project: 0 },
  ]) {
    expect(() => Segment.open(name)).toThrow(code('ERR_MILLRACE_SEGMENT_NAME'));
  }
});

test('an anonymous segment is handed on as a descriptor, to threads and processes', async () => {
  using segment = Segment.anonymous({ size: 8 });
  expect(() => segment.name).not.toThrow();
  const worker = new Worker(PROGRAM, { argv: ['descriptor', '0', String(segment.descriptor)] });
  await within('the end of the thread', new Promise((resolve) => worker.once('exit', resolve)));
  const output = execFileSync(process.execPath, [PROGRAM.pathname, 'descriptor', '0', '3'], {
    stdio: ['ignore', 'pipe', 'inherit', segment.descriptor],
    encoding: 'utf8',
  });
  expect(output).toBe('saw 1\n');
  expect(segment.bytes[0]).toBe(2);
  const { descriptor } = segment;
  segment.close();
  expect(existsSync(`/proc/self/fd/${descriptor}`)).toBe(false);
  expect(() => segment.descriptor).toThrow(code('ERR_MILLRACE_CLOSED'));
});

test('a descriptor of something else is a typed error', () => {
  const fd = createMemory('millrace-foreign', 4096);
  expect(() => Segment.fromDescriptor(fd)).toThrow(SharedMemoryError);
  new Int32Array(new MappedMemory(fd, 4096).buffer)[0] = 0x4d52_5347;
  expect(() => Segment.fromDescriptor(fd)).toThrow(code('ERR_MILLRACE_SEGMENT_FOREIGN'));
  syscalls.close(fd);
});
