import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { hasHalted } from '../src/internal.js';
import { EAGAIN, EBADF, syscalls } from '../src/syscalls.js';

const SYSCALLS = new URL('../dist/syscalls.js', import.meta.url).href;
/** Takes the kernel tens of milliseconds to give back. */
const LARGE = 512 << 20;

/** Descriptor 3 is the end of a pipe, 4 that of another. */
function start(program: string) {
  const pipes = [pipe(), pipe()] as const;
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `import { syscalls } from '${SYSCALLS}'; ${program}`],
    { stdio: ['ignore', 'pipe', 'inherit', pipes[0].write, pipes[1].write] },
  );
  for (const { write } of pipes) closeSync(write);
  return { child, pid: child.pid as number, held: pipes[0].read, other: pipes[1].read };
}

function pipe() {
  const ends = new Int32Array(2);
  expect(syscalls.pipe(new Uint8Array(ends.buffer))).toBe(0);
  const [read, write] = ends as unknown as [number, number];
  expect(syscalls.setNonBlocking(read, 1)).toBe(0);
  return { read, write };
}

const isClosed = (fd: number) => syscalls.read(fd, new Uint8Array(1), 0, 1) !== -EAGAIN;

const HOLD = 'if (syscalls.holdInThread(3) !== 0) throw new Error(); syscalls.close(3);';

test('of a killed process the end that a thread holds is closed, and its halt is seen, before its parent hears of it', async () => {
  const seen: boolean[] = [];
  // This process may itself stand still for as long as that takes.
  for (let tries = 0; tries < 10 && !seen.includes(true); tries++) {
    const { child, pid, held, other } = start(
      `${HOLD} const large = Buffer.alloc(${LARGE}, 1); console.log('up'); setInterval(() => large[0], 1_000);`,
    );
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    expect(hasHalted(pid)).toBe(false);
    expect(isClosed(held)).toBe(false);
    child.kill('SIGKILL');
    while (!isClosed(held) && syscalls.waitChild(pid, 1) === 0);
    while (!hasHalted(pid) && syscalls.waitChild(pid, 1) === 0);
    seen.push(hasHalted(pid) && syscalls.waitChild(pid, 1) === 0);
    await once(child, 'exit');
    for (const fd of [held, other]) closeSync(fd);
  }
  expect(seen).toContain(true);
});

test('the thread holds nothing else of the process, whose own descriptors stay as they are', async () => {
  const { child, pid, held, other } = start(
    `${HOLD} console.log('up'); setTimeout(() => { syscalls.close(4); console.log('closed'); }, 50); setInterval(() => {}, 1_000);`,
  );
  await until('its other end to be closed', () => isClosed(other));
  expect(isClosed(held)).toBe(false);
  expect(hasHalted(pid)).toBe(false);
  child.kill('SIGSTOP');
  expect(hasHalted(pid)).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isClosed(held)).toBe(true);
  for (const fd of [held, other]) closeSync(fd);
});

test('a process with such a thread ends with its code, and executing another program closes the end', async () => {
  const orderly = start(`${HOLD} setTimeout(() => process.exit(7), 10);`);
  expect(await once(orderly.child, 'exit')).toEqual([7, null]);
  expect(isClosed(orderly.held)).toBe(true);
  const strings = Buffer.from('/bin/sleep\0sleep\x0060\0').toString('base64');
  const other = start(`${HOLD} const strings = Buffer.from('${strings}', 'base64');
    syscalls.execute(strings, strings.length, 2, 0);`);
  await until('the end to be closed', () => isClosed(other.held));
  expect(hasHalted(other.pid)).toBe(false);
  other.child.kill('SIGKILL');
  await once(other.child, 'exit');
  for (const fd of [orderly.held, orderly.other, other.held, other.other]) closeSync(fd);
});

test('of no process, and of no descriptor, there is nothing to say', () => {
  for (const pid of [0, -1, 2 ** 30, 2 ** 31]) expect(hasHalted(pid)).toBe(false);
  expect(() => syscalls.holdInThread(-1)).toThrow(/holdInThread/);
  expect(syscalls.close(999_999)).toBe(-EBADF);
});
