import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { createMemory, MappedMemory } from '@millrace/native';
import { syscalls } from '@millrace/native/syscalls';
import { openDescriptors, Program, within } from '@millrace/testkit';
import { afterAll, expect, test } from 'vitest';
import { Segment, SharedMemoryError } from '../../src/index.js';
import { HEADER_BYTES } from '../../src/segment/layout.js';
import { asArgument, freshNames, leftNames } from './names.js';

const PROGRAM = new URL('../../dist-test/segment/fixtures/segment-user.js', import.meta.url);
const descriptors = openDescriptors('self');
afterAll(() => {
  expect(leftNames()).toEqual([]);
  expect(openDescriptors('self')).toBeLessThanOrEqual(descriptors);
});

const code = (value: string) => expect.objectContaining({ code: value });

test('a POSIX segment is a file with the permissions asked for, all of whose pages are taken', () => {
  const { posix } = freshNames();
  using segment = Segment.create(posix, { size: 1 << 20, permissions: 0o666 });
  const { mode, size, blocks } = statSync(`/dev/shm${posix}`);
  expect(mode & 0o777).toBe(0o666);
  expect(size).toBe((1 << 20) + HEADER_BYTES);
  expect(blocks * 512).toBeGreaterThanOrEqual(1 << 20);
  segment.unlink();
});

test('a full /dev/shm is an error at creation', (context) => {
  const script = `import { Segment } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
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
  segment.unlink();
});

test('a System V segment can be named by a path, as ftok makes its key', () => {
  const path = new URL(import.meta.url).pathname;
  const name = { path, project: 77 };
  const { dev, ino } = statSync(path);
  using segment = Segment.create(name, { size: 1 });
  using same = Segment.open({ key: ((77 << 24) | ((dev & 0xff) << 16) | (ino & 0xffff)) >>> 0 });
  segment.bytes[0] = 5;
  expect(same.bytes[0]).toBe(5);
  segment.unlink();
  expect(() => Segment.open({ path: `${path}-that-is-not` })).toThrow('ENOENT');
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
  segment.unlink();
});

test('a System V segment whose creator is killed while somebody waits for it is made by who waits', async () => {
  const { systemV } = freshNames();
  await using program = new Program(PROGRAM, { args: ['create slowly', asArgument(systemV), '60000'] });
  await program.printed(/making/);
  spawnSync('sh', ['-c', `(sleep 0.1; kill -9 ${program.pid}) &`]);
  using segment = Segment.openOrCreate(systemV, { size: 4096, owners: 4, timeout: 20_000 });
  expect(segment.created).toBe(true);
  segment.unlink();
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
    { path: '/tmp\0' },
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
