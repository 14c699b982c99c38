import { closeSync, openSync, unlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { until, within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { createMemory, MappedMemory, SystemCallError } from '../src/index.js';
import { EAGAIN, EEXIST, EFAULT, EINVAL, ENOENT, ETIMEDOUT, syscalls } from '../src/syscalls.js';

const PAGE = 4096;
const IPC_PRIVATE = 0;
const IPC_CREAT = 0o1000;

function mapped(): { memory: MappedMemory; words: Int32Array } {
  const fd = createMemory('millrace-words', PAGE);
  const memory = new MappedMemory(fd, PAGE);
  syscalls.close(fd);
  return { memory, words: new Int32Array(memory.buffer) };
}

test('a futex sleeps while the word is as expected, and until its time is over', () => {
  const { words } = mapped();
  expect(syscalls.futexWait(words, 0, 1, 10_000)).toBe(-EAGAIN);
  expect(syscalls.futexWait(words, 0, 0, 5)).toBe(-ETIMEDOUT);
  expect(syscalls.futexWake(words, 0, 1)).toBe(0);
});

test('a futex that another thread sleeps on is woken', async () => {
  const { memory, words } = mapped();
  const program = `const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.module).then(({ syscalls }) => {
      const addresses = Float64Array.of(...workerData.addresses);
      parentPort.postMessage('waiting');
      parentPort.postMessage(syscalls.futexWaitAny(addresses, Uint32Array.of(0, 0), 2, 20_000));
    });`;
  const addresses = [0, 64].map((offset) => syscalls.addressOf(words, offset));
  const module = new URL('../dist/syscalls.js', import.meta.url).href;
  const thread = new Worker(program, { eval: true, workerData: { module, addresses } });
  const heard: unknown[] = [];
  thread.on('message', (message) => heard.push(message));
  await until('the thread to sleep', () => heard.length > 0 && syscalls.futexWake(words, 64, 1) === 1);
  await within('its end', new Promise((resolve) => thread.once('exit', resolve)));
  expect(heard).toEqual(['waiting', 1]);
  memory.close();
});

test('a futex outside of its memory, misplaced or unmapped, is an error', () => {
  const { memory, words } = mapped();
  for (const offset of [-4, PAGE, 2]) {
    expect(syscalls.futexWait(words, offset, 0, 1)).toBe(-EFAULT);
    expect(syscalls.futexWake(words, offset, 1)).toBe(-EFAULT);
    expect(syscalls.addressOf(words, offset)).toBe(0);
  }
  const address = syscalls.addressOf(words, 0);
  memory.close();
  expect(syscalls.futexWait(words, 0, 0, 1)).toBe(-EFAULT);
  expect(syscalls.futexWaitAny(Float64Array.of(address), Uint32Array.of(0), 1, 1)).toBe(-EFAULT);
  expect(syscalls.futexWaitAny(Float64Array.of(address), Uint32Array.of(0), 129, 1)).toBe(-EINVAL);
});

test('System V memory is attached with its own length only, and gone when it is removed and closed', () => {
  const id = syscalls.shmGet(IPC_PRIVATE, PAGE, IPC_CREAT | 0o600);
  expect(() => new MappedMemory(id, PAGE * 2, 'System V segment')).toThrow(SystemCallError);
  const one = new MappedMemory(id, PAGE, 'System V segment');
  const two = new MappedMemory(id, PAGE, 'System V segment');
  new Uint8Array(one.buffer)[9] = 9;
  expect(new Uint8Array(two.buffer)[9]).toBe(9);
  const status = new Float64Array(8);
  expect(syscalls.shmStat(id, status)).toBe(0);
  expect([...status.subarray(0, 5)]).toEqual([PAGE, 0o600, process.pid, process.pid, 2]);
  expect(syscalls.shmStat(id, status.subarray(1))).toBe(-EFAULT);
  expect(syscalls.shmRemove(id)).toBe(0);
  one.close();
  two.close();
  expect(syscalls.shmStat(id, status)).toBe(-EINVAL);
  expect(syscalls.shmGet(0x4d52_7777, 0, 0)).toBe(-ENOENT);
});

test('a file gets a second name in one step, unless that is taken', () => {
  const paths = ['a', 'b'].map((end) => `/dev/shm/millrace-link-${process.pid}-${end}`) as [string, string];
  const fd = openSync(paths[0], 'wx+');
  expect(syscalls.reserve(fd, PAGE)).toBe(0);
  expect(syscalls.reserve(fd, 0)).toBe(-EINVAL);
  expect(syscalls.linkDescriptor(fd, paths[0])).toBe(-EEXIST);
  expect(syscalls.linkDescriptor(fd, paths[1])).toBe(0);
  closeSync(fd);
  for (const path of paths) unlinkSync(path);
});
