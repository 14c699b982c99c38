import { isRunning, openDescriptors, processInfo, until } from '@millrace/testkit';
import { afterEach, expect, test } from 'vitest';
import { getAffinity, ManagedProcess, type ManagedProcessOptions } from '../../src/process.js';
import { fixture } from '../support.js';

const open: ManagedProcess[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function single(data: string[], options: ManagedProcessOptions = {}): ManagedProcess {
  const made = new ManagedProcess(fixture('single'), { name: 'single', data, ...options });
  open.push(made);
  return made;
}

/** All that it prints, to the end. */
async function printed(one: ManagedProcess): Promise<string> {
  let text = '';
  for (let bytes = await one.read(); bytes !== undefined; bytes = await one.read()) text += String(bytes);
  return text;
}

test('G16 waiting for a process gives its pid, code and signal: 0 and none at its normal end, 1 and none for exit 1, 0 and TERM for one that terminates itself', async () => {
  for (const [data, code, signal] of [
    [['end'], 0, null],
    [['exit', '1'], 1, null],
    [['kill'], 0, 'SIGTERM'],
  ] as const) {
    const one = single([...data]);
    const pid = one.start();
    expect(await one.wait()).toEqual({ pid, code, signal });
    // And again, for somebody who comes late.
    expect(await one.wait()).toEqual({ pid, code, signal });
  }
});

test('G17 what an external program prints, by which a process with redirected streams has replaced itself, is readable in the parent', async () => {
  const one = single(
    ['execute', 'sh', '-c', 'echo "pid $$"; echo to the errors >&2; read line; echo "read $line"'],
    {
      pipe: 'stdio',
    },
  );
  const pid = one.start();
  one.write('a line\n');
  expect(await printed(one)).toBe(`pid ${pid}\nto the errors\nread a line\n`);
  expect(await one.wait()).toEqual({ pid, code: 0, signal: null });
});

test('a program that is not there leaves the process as it was, with an error that says where it was looked for', async () => {
  for (const file of ['no-such-program', '/no/such/program']) {
    const one = single(['execute', file], { pipe: 'stdio' });
    one.start();
    expect(await printed(one)).toMatch(/^ERR_MILLRACE_EXECUTE '.*no-?.such.program' cannot be executed: /);
  }
});

test('a program that has replaced a process ends with the parent’s stop', async () => {
  const one = single(['execute', 'sleep', '60'], { pipe: 'stdio' });
  const pid = one.start();
  await until('the program', () => processInfo(pid)?.title === 'sleep 60');
  await one.stop();
  expect(await one.wait()).toMatchObject({ pid, code: 0, signal: 'SIGTERM' });
});

test('redirected streams carry what the process itself prints and reads', async () => {
  const one = single(['print'], { pipe: 'stdio' });
  one.start();
  one.write('something');
  let text = '';
  while (!text.includes('read something')) text += String(await one.read({ timeout: 20_000 }));
  expect(text).toContain('to the output\n');
  expect(text).toContain('to the errors\n');
  expect(() => one.pipe).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_NOT_ENABLED' }));
});

test.each(['values', 'bytes', 'stdio'] as const)(
  'what is written to a process whose pipe of %s is closed is not accepted: undefined',
  async (pipe) => {
    const one = single(['end'], { pipe });
    one.start();
    expect(one.write(Buffer.from('taken') as never)).toBe(true);
    await one.close();
    expect(one.write(Buffer.from('late') as never)).toBeUndefined();
    expect(one.send('late')).toBeUndefined();
  },
);

test('G19 a process installs a TERM handler of its own, which installs another; the parent’s is never called, and CHLD tells of the end', async () => {
  const called: string[] = [];
  const onTerm = () => called.push('TERM');
  const onChild = () => called.push('CHLD');
  process.on('SIGTERM', onTerm);
  process.on('SIGCHLD', onChild);
  try {
    const one = single(['signals']);
    const pid = one.start();
    await one.ready();
    one.kill();
    expect(await one.read()).toBe('the first handler');
    expect(isRunning(pid)).toBe(true);
    one.kill('SIGTERM');
    expect(await one.read()).toBe('the second handler');
    expect(await one.wait()).toEqual({ pid, code: 5, signal: null });
    await until('the signal', () => called.length > 0);
    expect(called).not.toContain('TERM');
  } finally {
    process.removeListener('SIGTERM', onTerm);
    process.removeListener('SIGCHLD', onChild);
  }
});

test('values go over the pipe in both directions, and bytes over one of bytes', async () => {
  const values = single(['echo']);
  values.start();
  for (const value of [1, 'two', { three: [3n, new Map([[3, new Date(3)]])] }, Buffer.from('four')]) {
    values.write(value);
    expect(await values.read()).toEqual(value);
  }
  const bytes = single(['echo'], { pipe: 'bytes' });
  bytes.start();
  bytes.write(Buffer.from('bytes'));
  expect(await bytes.read()).toEqual(Buffer.from('bytes'));
  expect(() => bytes.write('text')).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_UNSENDABLE' }));
});

test('a process ends when its module has nothing left to do; what it wrote is read, then the pipe ends', async () => {
  const one = single(['flood']);
  one.start();
  let count = 0;
  for await (const text of one.pipe) count += text === 'x'.repeat(1_000) ? 1 : 0;
  expect(count).toBe(2_000);
  expect(await one.wait()).toMatchObject({ code: 0 });
});

test('with a restart policy, what a dead process had not read is read by the next', async () => {
  const exits: unknown[] = [];
  const one = single(['echo'], { restart: { backOff: 1 }, onExit: ({ signal }) => exits.push(signal) });
  one.start();
  await one.ready();
  one.kill('SIGSTOP');
  one.write('before');
  one.kill('SIGKILL');
  expect(await one.read()).toBe('before');
  expect(exits).toEqual(['SIGKILL']);
  expect(one.incarnation).toBe(2);
});

test('title, priority and processors are those of the options, and can be changed while it runs', async () => {
  const { getPriority } = await import('node:os');
  const [first] = getAffinity(0) as [number];
  const one = single(['wait'], { title: 'pool-test: single', priority: 3, affinity: [first] });
  const pid = one.start();
  await one.ready();
  expect(processInfo(pid)?.title).toBe('pool-test: single');
  expect(getPriority(pid)).toBe(3);
  expect(one.affinity).toEqual([first]);
  one.setPriority(9);
  one.setAffinity(getAffinity(0));
  expect([getPriority(pid), one.affinity]).toEqual([9, getAffinity(0)]);
});

test('kill says whether there was a process; 0 only asks', async () => {
  const one = single(['wait']);
  const pid = one.start();
  expect(ManagedProcess.kill(pid, 0)).toBe(true);
  one.kill('SIGKILL');
  await one.wait();
  expect(ManagedProcess.kill(pid, 0)).toBe(false);
  expect(one.kill()).toBe(false);
});

test('waits have a signal and a time; a process that ends first is no ready one', async () => {
  const one = single(['wait']);
  await expect(one.wait()).rejects.toMatchObject({ code: 'ERR_MILLRACE_NOT_STARTED' });
  one.start();
  expect(() => one.start()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_NOT_STARTED' }));
  await expect(one.wait({ timeout: 10 })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
  await expect(one.read({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  const ended = single(['exit', '3']);
  ended.start();
  await expect(ended.ready()).rejects.toMatchObject({
    code: 'ERR_MILLRACE_POOL_START_FAILED',
    message: expect.stringContaining('code 3'),
  });
});

test('a process that cannot be started throws', () => {
  const one = single(['end'], { cwd: '/no/such/directory' });
  expect(() => one.start()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_NOT_STARTED' }));
});

test('closing ends the process and leaves no descriptor; closing twice is closing once', async () => {
  const before = openDescriptors('self');
  for (const pipe of ['values', 'stdio'] as const) {
    const one = single(['wait'], { pipe });
    const pid = one.start();
    await one.ready();
    await one.close();
    await one.close();
    expect(isRunning(pid)).toBe(false);
    expect(await one.read()).toBeUndefined();
  }
  await until('the descriptors to be closed', () => openDescriptors('self') <= before);
});

test('G18 of ten strings pushed to a queue, the statistics are ten messages and the exact sum of their bytes; freeing removes it', async () => {
  const one = single([]).useQueue({ key: 'private' });
  const strings = Array.from({ length: 10 }, (_, i) => 'ä'.repeat(i * 37 + 1));
  for (const text of strings) await one.push(text);
  const bytes = strings.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  expect(one.statQueue()).toEqual({ messages: 10, bytes });
  expect(one.freeQueue()).toBe(true);
  expect(one.freeQueue()).toBe(false);
  expect(() => one.statQueue()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_QUEUE_REMOVED' }));
});

test('a process pops what its parent pushes; what is addressed to another is left to that', async () => {
  const key = 0x4d520000 + (process.pid & 0xffff);
  const [first, second] = [single(['queue']), single(['queue'])] as [ManagedProcess, ManagedProcess];
  for (const one of [first, second]) one.useQueue({ key, mode: 'addressed' });
  try {
    await second.push('for the second');
    await first.push('for the first');
    first.start();
    expect(await first.read()).toBe('for the first');
    expect(first.statQueue().messages).toBe(1);
    second.start();
    expect(await second.read()).toBe('for the second');
    for (const one of [first, second]) await one.push('stop');
    expect(await Promise.all([first.wait(), second.wait()])).toMatchObject([{ code: 0 }, { code: 0 }]);
  } finally {
    first.freeQueue();
  }
});

test('a queue belongs before the start; without one there is none to push to', async () => {
  const one = single(['wait']);
  expect(() => one.statQueue()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_NOT_ENABLED' }));
  one.start();
  expect(() => one.useQueue()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_NOT_STARTED' }));
});
