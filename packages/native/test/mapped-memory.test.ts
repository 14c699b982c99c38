import { expect, test } from 'vitest';
import { createMemory, MappedMemory } from '../src/index.js';
import { syscalls } from '../src/syscalls.js';

test('two mappings of one memory see each other, also through Atomics', () => {
  const fd = createMemory('two-mappings', 8_192);
  const [left, right] = [new MappedMemory(fd, 8_192), new MappedMemory(fd, 8_192)];
  syscalls.close(fd);
  Atomics.store(new Int32Array(left.buffer), 1_000, 7);
  expect(Atomics.add(new Int32Array(right.buffer), 1_000, 1)).toBe(7);
  expect(new Int32Array(left.buffer)[1_000]).toBe(8);
  left.close();
  right.close();
});

test('use after close is an error or sees nothing, and never crashes', () => {
  const fd = createMemory('use-after-close', 4_096);
  const memory = new MappedMemory(fd, 4_096);
  syscalls.close(fd);
  const words = new Int32Array(memory.buffer);
  const bytes = Buffer.from(memory.buffer);
  memory.close();
  memory.close();
  expect(() => memory.buffer).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_MEMORY_CLOSED' }));
  expect(words.length).toBe(0);
  expect(words[0]).toBeUndefined();
  words[0] = 1;
  expect(() => Atomics.load(words, 0)).toThrow();
  expect(() => bytes.readUInt8(0)).toThrow();
});

test('mappings that nobody holds any more are released', () => {
  const fd = createMemory('collected', 1 << 20);
  for (let i = 0; i < 2_000; i++) new MappedMemory(fd, 1 << 20);
  syscalls.close(fd);
});

test('a size that cannot be had is a typed error', () => {
  expect(() => createMemory('none', 0)).toThrow(expect.objectContaining({ errnoName: 'EINVAL' }));
  expect(() => createMemory('too large', 2 ** 50)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_NO_MEMORY' }),
  );
});
