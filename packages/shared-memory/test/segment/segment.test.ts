import { rmSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { syscalls } from '@millrace/native/syscalls';
import { openDescriptors, Program, within } from '@millrace/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { Segment } from '../../src/index.js';
import { asArgument, freshNames, leftNames } from './names.js';

const PROGRAM = new URL('../../dist-test/segment/fixtures/segment-user.js', import.meta.url);
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
    expect(Segment.unlink(name)).toBe(true);
    expect(Segment.unlink(name)).toBe(false);
    // Taken away is the name; whoever has it goes on.
    expect(opened.bytes[0]).toBe(42);
  });

  test('are shared with another thread', async () => {
    const name = fresh();
    using segment = Segment.create(name, { size: 8 });
    const worker = new Worker(PROGRAM, { argv: ['increment', asArgument(name)] });
    await within('the end of the thread', new Promise((resolve) => worker.once('exit', resolve)));
    expect(segment.bytes[0]).toBe(1);
    expect(segment.unlink()).toBe(true);
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
    segment.unlink();
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
    segment.unlink();
  });

  test('a taken name, a missing one and a bad size are typed errors', () => {
    const name = fresh();
    expect(() => Segment.open(name)).toThrow(code('ERR_MILLRACE_SEGMENT_MISSING'));
    using segment = Segment.create(name, { size: 1 });
    expect(() => Segment.create(name, { size: 1 })).toThrow(code('ERR_MILLRACE_SEGMENT_EXISTS'));
    segment.unlink();
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

  test('a name with a NUL in it is no name', () => {
    for (const nul of ['/a\0b', '\0a', { path: `${import.meta.filename}\0x` }]) {
      expect(() => Segment.open(nul)).toThrow(code('ERR_MILLRACE_SEGMENT_NAME'));
      expect(() => Segment.create(nul, { size: 1 })).toThrow(code('ERR_MILLRACE_SEGMENT_NAME'));
    }
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
    Segment.unlink(name);
    using second = Segment.create(name, { size: 1 });
    expect(first.unlink()).toBe(false);
    expect(second.unlink()).toBe(true);
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
    expect(segment.unlink()).toBe(true);
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
    Segment.unlink(name);
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
      segment.unlink();
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
        () => Segment.unlink(posix),
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
      () => Segment.unlink(systemV),
    ]) {
      expect(use).toThrow(code('ERR_MILLRACE_SEGMENT_FOREIGN'));
    }
    expect(syscalls.shmRemove(id)).toBe(0);
  });
});
