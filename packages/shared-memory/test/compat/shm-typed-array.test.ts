import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as shm from '@millrace/shared-memory/shm-typed-array';
import { within } from '@millrace/testkit';
import { afterAll, expect, test } from 'vitest';
import { freshNames, leftNames } from '../segment/names.js';

const require = createRequire(import.meta.url);
const MODULE = '@millrace/shared-memory/shm-typed-array';
const REAL = 'shm-typed-array';
/** A process that has `shm`, the one or the other package, and runs `script`. */
function run(module: string, script: string): string {
  const program = `const shm = require(${JSON.stringify(require.resolve(module))}); ${script}`;
  return execFileSync(process.execPath, ['--no-warnings', '-e', program], { encoding: 'utf8' });
}

afterAll(() => {
  expect(leftNames()).toEqual([]);
  expect(shm.getTotalSize()).toBe(0);
  expect(shm.getTotalCreatedSize()).toBe(0);
});

test('it has the names that the real package has', (context) => {
  const names = [
    'BufferType',
    'LengthMax',
    'create',
    'createPosix',
    'destroy',
    'detach',
    'detachAll',
    'detachPosix',
  ];
  expect(Object.keys(shm).sort()).toEqual([
    ...names,
    'get',
    'getPosix',
    'getTotalCreatedSize',
    'getTotalSize',
  ]);
  if (!loads(REAL)) context.skip(`${REAL} is not installed: it does not compile on this Node`);
  expect(
    JSON.parse(
      run(REAL, 'console.log(JSON.stringify([Object.keys(shm).sort(), shm.BufferType, shm.LengthMax]))'),
    ),
  ).toEqual([Object.keys(shm).sort(), shm.BufferType, shm.LengthMax]);
});

test('System V: what is made is there for get, with its key, and gone when the last one detaches', () => {
  const { key } = freshNames().systemV;
  const array = shm.create(10, 'Float32Array', key);
  expect(array).toBeInstanceOf(Float32Array);
  expect(array?.key).toBe(key);
  expect(shm.create(10, 'Float32Array', key)).toBeNull();
  expect(shm.getTotalSize()).toBe(40);
  expect(shm.getTotalCreatedSize()).toBe(40);
  if (array) array[3] = 1.5;
  expect(shm.get(key, 'Float32Array')?.[3]).toBe(1.5);
  expect(shm.get(key)).toBeInstanceOf(Buffer);
  expect([shm.detach(key), array?.length]).toEqual([2, 0]);
  expect([shm.detach(key), shm.detach(key)]).toEqual([1, 0]);
  expect(shm.get(key)).toBeNull();
  expect(shm.detach(key)).toBe(-1);
  expect(shm.getTotalSize()).toBe(0);
});

/** Two parts of one program that do not know of each other; what each step shows. */
const TWO_GETS = `
  const shown = [];
  for (const key of KEYS) {
    const mine = shm.create(4, 'Int32Array', key);
    const other = shm.get(key, 'Int32Array');
    mine[1] = 7;
    const two = shm.getTotalSize();
    shown.push(shm.detach(key), other.length, other[1], two - shm.getTotalSize(), shm.get(key) !== null, shm.destroy(key));
    shown.push(other[1], shm.getTotalCreatedSize(), shm.get(key));
  }
  console.log(JSON.stringify(shown));`;

test('each get is an attachment of its own: what one part of a program detaches, another goes on with', (context) => {
  const { posix, systemV } = freshNames();
  const script = `const KEYS = ${JSON.stringify([systemV.key, posix])}; ${TWO_GETS}`;
  const ours = run(MODULE, script);
  const each = (prefix: number) => [1, 4, 7, 16 + prefix, true, true, 7, 0, null];
  expect(JSON.parse(ours)).toEqual([...each(0), ...each(8)]);
  if (!loads(REAL)) context.skip(`${REAL} is not installed: it does not compile on this Node`);
  expect(run(REAL, script)).toBe(ours);
});

test('the typing tests of the real package compile', (context) => {
  const directory = join(import.meta.dirname, '../dist-test');
  const upstream = new URL(`../../../node_modules/${REAL}/test/typings.ts`, import.meta.url);
  if (!existsSync(upstream)) context.skip(`${REAL} is not installed`);
  const file = join(directory, `upstream-typings-${process.pid}.ts`);
  const text = readFileSync(upstream, 'utf8').replace("'../index'", `'${MODULE}'`);
  writeFileSync(file, text.replaceAll('// typings:expect-error', '// @ts-expect-error'));
  const flags = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--types',
    'node',
    '--module',
    'nodenext',
    '--ignoreConfig',
  ];
  const { stdout } = spawnSync('npx', ['tsc', ...flags, file], { cwd: directory, encoding: 'utf8' });
  unlinkSync(file);
  expect(stdout).toBe('');
});

test('without a key one is found', () => {
  const buffer = shm.create(4096);
  expect(buffer).toHaveLength(4096);
  expect(shm.detach(buffer?.key as number, true)).toBe(0);
});

test('POSIX: eight bytes more than asked for, detached by 1 and destroyed by 0', () => {
  const name = freshNames().posix;
  const array = shm.create(1_000, 'Float64Array', name);
  expect(array).toHaveLength(1_000);
  expect(array?.key).toBeUndefined();
  expect(shm.getTotalSize()).toBe(8_008);
  expect(shm.createPosix(name, 1)).toBeNull();
  expect(shm.detach(name)).toBe(1);
  expect(shm.detach(name)).toBe(1);
  expect(shm.getPosix(name, 'Float64Array')).toHaveLength(1_000);
  expect(shm.destroy(name)).toBe(true);
  expect(shm.destroy(name)).toBe(false);
  expect(shm.get(name)).toBeNull();
  expect(shm.detach(name)).toBe(-1);
  // What was got once more and not detached.
  expect(shm.getTotalSize()).toBe(8_008);
  shm.detachAll();
  expect(shm.getTotalSize()).toBe(0);
});

test('the permissions are those asked for, 660 by default', () => {
  const { key } = freshNames().systemV;
  const mode = () =>
    readFileSync('/proc/sysvipc/shm', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find(([found]) => Number(found) === key)?.[2];
  shm.create(1, 'Buffer', key);
  expect(mode()).toBe('660');
  shm.destroy(key);
  shm.create(1, 'Buffer', key, '600');
  expect(mode()).toBe('600');
  shm.destroy(key);
});

test('bad arguments throw what the real package throws', () => {
  expect(() => shm.create(1, 'Nothing' as 'Buffer')).toThrow('Unknown type key Nothing');
  expect(() => shm.create(1, 'Buffer', 0)).toThrow(RangeError);
  expect(() => shm.get(2 ** 32 - 1)).toThrow('Shm key should be 1 .. 4294967294');
  expect(() => shm.create(0)).toThrow(RangeError);
  expect(() => shm.create(1.5)).toThrow('Count should be 1 .. ');
});

test('it loads in several worker threads at once, by require, and they share memory', async () => {
  const { key } = freshNames().systemV;
  const array = shm.create(4, 'Int32Array', key);
  const program = `const shm = require(require('node:worker_threads').workerData);
    Atomics.add(shm.get(${key}, 'Int32Array'), 0, 1);`;
  const threads = [1, 2, 3].map(
    () =>
      new Worker(program, { eval: true, workerData: require.resolve(MODULE), execArgv: ['--no-warnings'] }),
  );
  const ends = threads.map((thread) => once(thread, 'exit'));
  await within('the end of the threads', Promise.all(ends));
  expect(array?.[0]).toBe(3);
  expect(shm.detach(key)).toBe(0);
});

test('at the end of a process its System V memory goes when nobody else has it, as with the real package', () => {
  const { key } = freshNames().systemV;
  expect(run(MODULE, `shm.create(1, 'Buffer', ${key});`)).toBe('shm segments destroyed: 1\n');
  expect(shm.get(key)).toBeNull();
});

test.for(['systemV', 'posix'] as const)(
  'it shares %s memory with the real package, both ways',
  (kind, context) => {
    if (!loads(REAL)) context.skip(`${REAL} is not installed: it does not compile on this Node`);
    const names = freshNames();
    const name = kind === 'posix' ? names.posix : names.systemV.key;
    const text = JSON.stringify(name);
    const array = shm.create(100, 'Int32Array', name);
    if (array === null) throw new Error('The name is taken.');
    array[99] = 42;
    expect(
      run(
        REAL,
        `const a = shm.get(${text}, 'Int32Array'); console.log(a.length, a[99]); a[0] = 7; shm.detach(${text});`,
      ),
    ).toBe('100 42\n');
    expect(array[0]).toBe(7);
    expect(shm.destroy(name)).toBe(true);
    // Made there, used here while the other process is alive: its System V memory goes with it.
    const script = `const a = shm.create(100, 'Float64Array', ${text}); a[1] = 2.5;
    const { status, stdout } = require('node:child_process').spawnSync(process.execPath, ['--no-warnings', '-e',
      ${JSON.stringify(`const shm = require(${JSON.stringify(require.resolve(MODULE))}); const a = shm.get(${text}, 'Float64Array'); console.log(a.length, a[1]); a[2] = 9;`)}]);
    console.log(String(stdout).trim(), a[2]); shm.destroy(${text});`;
    expect(run(REAL, script)).toBe('100 2.5 9\n');
  },
);

/** Whether a process of this Node can load it. */
function loads(name: string): boolean {
  return (
    spawnSync(process.execPath, ['-e', `require(${JSON.stringify(name)})`], {
      cwd: new URL('.', import.meta.url),
    }).status === 0
  );
}
