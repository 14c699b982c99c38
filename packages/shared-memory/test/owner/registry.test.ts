import { spawn } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { createMemory, MappedMemory } from '@millrace/native';
import { syscalls } from '@millrace/native/syscalls';
import { processInfo, until, within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { OwnerRegistry } from '../../src/internal.js';
import { MAX_GENERATION, SLOT_BYTES } from '../../src/owner/layout.js';
import { dieBefore, Machine } from './machine.js';

function fixture(slots: number) {
  const memory = new ArrayBuffer(OwnerRegistry.bytes(slots));
  const machine = new Machine();
  return { memory, machine, start: (tid: number) => new OwnerRegistry(memory, 0, slots, machine.start(tid)) };
}

test('a token is positive, the same at every claim, and alive to the others', () => {
  const { start } = fixture(4);
  const [one, two] = [start(10), start(20)];
  const token = one.claim();
  expect(token).toBeGreaterThan(0);
  expect(one.claim()).toBe(token);
  expect(two.isAlive(token)).toBe(true);
  expect(two.claim()).not.toBe(token);
  expect(two.isAlive(0)).toBe(false);
  expect(two.isAlive(-1)).toBe(false);
});

test('a dead owner is dead, also after its slot and its thread id have gone to others', () => {
  const { machine, start } = fixture(2);
  const watcher = start(1);
  watcher.claim();
  const token = start(10).claim();
  machine.kill(10);
  expect(watcher.isAlive(token)).toBe(false);
  const successor = start(10).claim();
  expect(OwnerRegistry.slotOf(successor)).toBe(OwnerRegistry.slotOf(token));
  expect(successor).not.toBe(token);
  expect(watcher.isAlive(token)).toBe(false);
  expect(watcher.isAlive(successor)).toBe(true);
});

test('slots of the living are never taken: the error names how many there are', () => {
  const { machine, start } = fixture(2);
  start(10).claim();
  start(20).claim();
  const third = start(30);
  expect(() => third.claim()).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_OWNERS_FULL', message: expect.stringContaining('2') }),
  );
  machine.kill(10);
  expect(third.claim()).toBeGreaterThan(0);
});

test('registries of one thread share a slot, which is given back with the last of them', () => {
  const { memory, machine, start } = fixture(1);
  const threads = machine.start(10);
  const [one, two] = [new OwnerRegistry(memory, 0, 1, threads), new OwnerRegistry(memory, 0, 1, threads)];
  const token = one.claim();
  expect(two.claim()).toBe(token);
  one.release();
  one.release();
  const other = start(20);
  expect(other.isAlive(token)).toBe(true);
  two.release();
  expect(other.isAlive(token)).toBe(false);
  expect(other.claim()).not.toBe(token);
});

test('generations go round without ever giving 0 or a negative token', () => {
  const { memory, start } = fixture(1);
  const registry = start(10);
  new BigInt64Array(memory)[0] = BigInt(MAX_GENERATION * 4096);
  const token = registry.claim();
  expect(token).toBe(4096);
  expect(registry.isAlive(token)).toBe(true);
});

test('a death between any two stores of claim and release leaves the slot to the next', () => {
  let deaths = 0;
  for (let fatal = 1; ; fatal++) {
    const { machine, start } = fixture(1);
    const watcher = start(1);
    const first = start(10);
    let token = 0;
    const killed = dieBefore(fatal, () => {
      token = first.claim();
      first.release();
    });
    // Whether it is killed here or has ended, the slot is the next one's, and its old token nobody's.
    machine.kill(10);
    expect(watcher.isAlive(token)).toBe(false);
    const next = start(20).claim();
    expect(next).not.toBe(token);
    expect(watcher.isAlive(next)).toBe(true);
    if (!killed) break;
    deaths++;
  }
  expect(deaths).toBe(11);
});

test('a slot that was begun under the id of this thread, by one before it, is taken', () => {
  const { memory, start } = fixture(1);
  new BigInt64Array(memory)[0] = (10n << 32n) | 4096n;
  expect(start(10).claim()).toBe(2 * 4096);
});

test('bad numbers of owners are named with the limits', () => {
  for (const slots of [0, -1, 1.5, 4097]) {
    expect(() => OwnerRegistry.bytes(slots)).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_OWNERS_COUNT',
        message: expect.stringContaining('4096'),
      }),
    );
  }
  expect(OwnerRegistry.bytes(4096)).toBe(4096 * SLOT_BYTES);
});

const PROGRAM = new URL('../../dist-test/owner/fixtures/owner.js', import.meta.url);
const BYTES = OwnerRegistry.bytes(8);

test('real processes: alive while stopped, dead when killed, be it as a zombie', async () => {
  const fd = createMemory('millrace-owners', BYTES);
  using memory = new MappedMemory(fd, BYTES);
  const registry = new OwnerRegistry(memory.buffer, 0, 8);
  // Its parent is a shell that never waits for it, so it stays a zombie until the shell ends.
  const shell = spawn('sh', ['-c', '"$0" "$1" & exec sleep 1000', process.execPath, PROGRAM.pathname], {
    stdio: ['ignore', 'pipe', 'inherit', fd],
  });
  try {
    let output = '';
    shell.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const [, pid, token] = (await until('the token of the child', () => output.match(/^(\d+) (\d+)\n/))).map(
      Number,
    ) as [number, number, number];
    expect(registry.isAlive(token)).toBe(true);
    process.kill(pid, 'SIGSTOP');
    await until('the child to be stopped', () => processInfo(pid)?.state === 'T');
    expect(registry.isAlive(token)).toBe(true);
    process.kill(pid, 'SIGKILL');
    await until('the child to be a zombie', () => processInfo(pid)?.state === 'Z');
    expect(registry.isAlive(token)).toBe(false);
  } finally {
    shell.kill('SIGKILL');
    syscalls.close(fd);
  }
});

test('real threads: each has a token of its own, which dies with the thread', async () => {
  const fd = createMemory('millrace-owners', BYTES);
  using memory = new MappedMemory(fd, BYTES);
  const registry = new OwnerRegistry(memory.buffer, 0, 8);
  const mine = registry.claim();
  const worker = new Worker(PROGRAM, { argv: [fd], stdout: true });
  const token = await within(
    'the token of the thread',
    new Promise<number>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    }),
  );
  expect(token).not.toBe(mine);
  expect(registry.isAlive(token)).toBe(true);
  await worker.terminate();
  await until('the thread to be gone', () => !registry.isAlive(token));
  expect(registry.isAlive(mine)).toBe(true);
  registry.release();
  syscalls.close(fd);
});
