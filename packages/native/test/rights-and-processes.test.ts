import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import {
  CPU_SET_BYTES,
  createSocketPair,
  EAGAIN,
  ECHILD,
  EFAULT,
  EINVAL,
  ENOENT,
  MAX_RIGHTS,
  SIGKILL,
  SOCK_SEQPACKET,
  syscalls,
} from '../src/syscalls.js';

const int32s = (...values: number[]) => new Uint8Array(Int32Array.from(values).buffer);

test('descriptors travel with a message and work on the other side; they are closed on exec', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-rights-'));
  const file = openSync(join(directory, 'note'), 'w');
  const [left, right] = createSocketPair(SOCK_SEQPACKET);
  expect(syscalls.sendRights(left, Buffer.from('two'), 3, int32s(file, file), 2)).toBe(3);
  const bytes = Buffer.alloc(16);
  const rights = new Int32Array(1 + MAX_RIGHTS);
  expect(syscalls.receiveRights(right, bytes, 16, new Uint8Array(rights.buffer))).toBe(3);
  const [count, first, second] = rights as unknown as [number, number, number];
  expect([bytes.toString('utf8', 0, 3), count]).toEqual(['two', 2]);
  expect(new Set([file, first, second]).size).toBe(3);
  writeSync(second, 'sent');
  expect(readFileSync(join(directory, 'note'), 'utf8')).toBe('sent');
  expect(readFileSync(`/proc/self/fdinfo/${first}`, 'utf8')).toMatch(/flags:\s+02/);
  for (const fd of [file, first, second, left, right]) closeSync(fd);
  rmSync(directory, { recursive: true });
});

test('a message without descriptors, an empty pipe, and too many of them have answers of their own', () => {
  const [left, right] = createSocketPair(SOCK_SEQPACKET);
  const rights = new Int32Array(1 + MAX_RIGHTS);
  const out = new Uint8Array(rights.buffer);
  expect(syscalls.receiveRights(right, Buffer.alloc(8), 8, out)).toBe(-EAGAIN);
  expect(syscalls.sendRights(left, Buffer.from('none'), 4, new Uint8Array(0), 0)).toBe(-EFAULT);
  expect(syscalls.sendRights(left, Buffer.from('none'), 4, int32s(0), 0)).toBe(4);
  expect(syscalls.receiveRights(right, Buffer.alloc(8), 8, out)).toBe(4);
  expect(rights[0]).toBe(0);
  expect(syscalls.sendRights(left, Buffer.from('x'), 1, out, MAX_RIGHTS + 1)).toBe(-EINVAL);
  expect(syscalls.sendRights(left, Buffer.from('x'), 1, int32s(1), 2)).toBe(-EFAULT);
  expect(syscalls.receiveRights(right, Buffer.alloc(8), 8, new Uint8Array(8))).toBe(-EFAULT);
  closeSync(left);
  closeSync(right);
});

test('the processors of a thread can be read and set', () => {
  const before = new Uint8Array(CPU_SET_BYTES);
  expect(syscalls.getAffinity(0, before)).toBe(CPU_SET_BYTES);
  const first = before.findIndex((byte) => byte !== 0);
  const one = new Uint8Array(CPU_SET_BYTES);
  one[first] = (before[first] as number) & -(before[first] as number);
  expect(syscalls.setAffinity(0, one)).toBe(0);
  const after = new Uint8Array(CPU_SET_BYTES);
  syscalls.getAffinity(0, after);
  expect(after).toEqual(one);
  expect(syscalls.setAffinity(0, before)).toBe(0);
  expect(syscalls.setAffinity(0, new Uint8Array(CPU_SET_BYTES))).toBe(-EINVAL);
  expect(syscalls.getAffinity(0, new Uint8Array(8))).toBe(-EFAULT);
});

test('a child that has ended can be seen before it is reaped, once; without children there is an error', async () => {
  expect(syscalls.waitChild(0, 1)).toBe(-ECHILD);
  expect(syscalls.setChildSubreaper(1)).toBe(0);
  // The shell ends at once, and its own child becomes one of this process, which Node knows nothing of.
  const shell = spawn('/bin/sh', ['-c', '(sleep 0.05; exit 3) >/dev/null 2>&1 & echo $!'], { stdio: 'pipe' });
  const [text] = await once(shell.stdout, 'data');
  await once(shell, 'exit');
  const orphan = Number(String(text));
  await until('the orphan to end', () => syscalls.waitChild(orphan, 1) === orphan);
  expect(syscalls.waitChild(0, 0)).toBe(orphan);
  expect(syscalls.waitChild(orphan, 0)).toBe(-ECHILD);
  expect(syscalls.setChildSubreaper(0)).toBe(0);
});

test('a process replaces itself by another program, under its own pid', async () => {
  const module = new URL('../dist/syscalls.js', import.meta.url).href;
  const program = `import { syscalls } from ${JSON.stringify(module)};
    const strings = Buffer.from(['/bin/sh', 'sh', '-c', 'echo $$ $GREETING', 'GREETING=hello'].join('\\0') + '\\0');
    // Node keeps even its standard streams from programs that are executed.
    for (const fd of [0, 1, 2]) syscalls.setCloseOnExec(fd, 0);
    syscalls.execute(strings, strings.length, 3, 1);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'pipe' });
  const [text] = await once(child.stdout, 'data');
  expect(String(text)).toBe(`${child.pid} hello\n`);
});

test('a program that cannot be executed leaves the process as it was', () => {
  const strings = Buffer.from('/no/such/program\0program\0');
  const before = readdirSync('/proc/self/fd').length;
  expect(syscalls.execute(strings, strings.length, 1, 0)).toBe(-ENOENT);
  expect(syscalls.execute(strings, strings.length, 2, 0)).toBe(-EINVAL);
  expect(syscalls.execute(strings, strings.length + 1, 1, 0)).toBe(-EFAULT);
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});

test('what handles a signal handles another one as well, and what nothing handles is said', async () => {
  const { SIGUSR2, SIGURG, SIGWINCH } = constants.signals;
  expect(syscalls.copySignalHandler(SIGWINCH, SIGURG)).toBe(-ENOENT);
  expect(syscalls.copySignalHandler(SIGUSR2, SIGKILL)).toBe(-ENOENT);
  const heard: string[] = [];
  process.on('SIGUSR2', (name) => heard.push(name));
  expect(syscalls.copySignalHandler(SIGUSR2, SIGKILL)).toBe(-EINVAL);
  expect(syscalls.copySignalHandler(SIGUSR2, SIGURG)).toBe(0);
  // Node's handler wakes the loop for the listeners of each signal: of this one there are none.
  process.kill(process.pid, 'SIGURG');
  process.kill(process.pid, 'SIGUSR2');
  await until('the signal', () => heard.length > 0);
  expect(heard).toEqual(['SIGUSR2']);
  process.removeAllListeners('SIGUSR2');
});
