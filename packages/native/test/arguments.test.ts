import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createMemory, MappedMemory, SystemCallArgumentError } from '../src/index.js';
import { EBADF, EFAULT, EINVAL, ENAMETOOLONG, syscalls } from '../src/syscalls.js';

type Call = (...args: unknown[]) => unknown;

interface Parameter {
  readonly name: string;
  readonly type: string;
}

/** Every function as its declaration says, so that a new one is tested without being listed here. */
const declared = [
  ...readFileSync(new URL('../src/calls.ts', import.meta.url), 'utf8').matchAll(
    /^ {2}(\w+)\(((?:[^()]|\([^()]*\) => \w+)*)\):/gm,
  ),
].map(([, call = '', list = '']) => ({
  call: call as keyof typeof syscalls,
  parameters: [...list.matchAll(/(\w+): ((?:\([^()]*\) => \w+|[^,])+)/g)].map(
    ([, name = '', type = '']): Parameter => ({ name, type: type.trim() }),
  ),
}));

/** Arguments that are right, as far as a declaration can say. */
function plausible({ type }: Parameter): unknown {
  if (type === 'number' || type === '0 | 1') return 0;
  if (type === 'string') return 'name';
  if (type.includes('=>')) return () => {};
  return type === 'ArrayBuffer' ? new ArrayBuffer(8) : new Uint8Array(4_096);
}

const NO_INTEGERS = [undefined, null, '1', true, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 63, 1n, {}];

test('the addon has exactly the functions that are declared', () => {
  expect(declared.map(({ call }) => call).sort()).toEqual(Object.keys(syscalls).sort());
});

const integers = declared.flatMap(({ call, parameters }) =>
  parameters.flatMap(({ name, type }, index) =>
    type === 'number' || type === '0 | 1' ? [{ call, argument: name, index, parameters }] : [],
  ),
);

test.each(integers)(
  '$call refuses what is no integer as $argument',
  ({ call, argument, index, parameters }) => {
    const args = parameters.map(plausible);
    for (const value of NO_INTEGERS) {
      args[index] = value;
      let thrown: unknown;
      try {
        (syscalls[call] as Call)(...args);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(SystemCallArgumentError);
      expect(thrown).toMatchObject({ code: 'ERR_MILLRACE_ARGUMENT', call, argument, value });
      expect((thrown as SystemCallArgumentError).expected).toMatch(/^an integer from -?\d+ to \d+$/);
    }
  },
);

const strings = declared.flatMap(({ call, parameters }) =>
  parameters.flatMap(({ name, type }, index) =>
    type === 'string' ? [{ call, argument: name, index, parameters }] : [],
  ),
);

test.each(strings)(
  '$call refuses a NUL in $argument, and cuts nothing off',
  ({ call, argument, index, parameters }) => {
    const args = parameters.map(plausible);
    for (const value of ['a\0b', '\0', undefined, 7, Buffer.from('a')]) {
      args[index] = value;
      expect(() => (syscalls[call] as Call)(...args)).toThrow(
        expect.objectContaining({ code: 'ERR_MILLRACE_ARGUMENT', call, argument, value }),
      );
    }
    args[index] = 'x'.repeat(5_000);
    expect([-ENAMETOOLONG, -EINVAL]).toContain((syscalls[call] as Call)(...args));
  },
);

test('closing what is no descriptor closes nothing', () => {
  for (const value of [undefined, null, '0', false]) {
    expect(() => syscalls.close(value as never)).toThrow('close: fd must be an integer');
  }
  expect(fstatSync(0)).toBeDefined();
  expect(syscalls.close(-1)).toBe(-EBADF);
});

test('an offset and a length that add up to more than there is leave the buffer alone', () => {
  const max = Number.MAX_SAFE_INTEGER;
  for (const [offset, length] of [
    [max, max],
    [8, max],
    [max, 8],
    [-1, 2],
    [4, 5],
  ] as const) {
    expect(syscalls.read(0, new Uint8Array(8), offset, length)).toBe(-EFAULT);
  }
});

test('bits that libuv would abort the process for are refused', () => {
  const fd = syscalls.eventfd();
  const handle = syscalls.pollOpen(fd, () => {});
  expect(() => syscalls.pollStart(handle as never, 1 << 20)).toThrow(SystemCallArgumentError);
  expect(syscalls.pollClose(handle as never)).toBe(0);
  expect(syscalls.pollStart(handle as never, 1)).toBe(-EBADF);
  closeSync(fd);
});

test('a watcher without a function to call is refused', () => {
  expect(() => syscalls.pollOpen(0, 7 as never)).toThrow('pollOpen: callback must be a function, not 7.');
});

test('a handle of another kind, or anything else, is no handle', () => {
  const fd = syscalls.eventfd();
  const memory = createMemory('handles', 4_096);
  const poll = syscalls.pollOpen(fd, () => {}) as never;
  const [buffer, map] = syscalls.map(memory, 4_096) as [ArrayBuffer, never];
  const out = new Uint8Array(8);
  for (const handle of [map, {}, undefined, 7, buffer]) {
    for (const [call, ...rest] of [
      ['pollStart', 1],
      ['pollRef', 1],
      ['pollClose'],
      ['msgWaiterReceive', 1],
      ['msgWaiterSend', out, 0],
      ['msgWaiterResult', out],
      ['msgWaiterClose', out],
    ] as const) {
      const refused = { code: 'ERR_MILLRACE_ARGUMENT', call, argument: 'handle', value: handle };
      expect(() => (syscalls[call] as Call)(handle, ...rest)).toThrow(expect.objectContaining(refused));
    }
  }
  for (const handle of [poll, {}, undefined, 7]) {
    expect(() => syscalls.unmap(buffer, handle as never)).toThrow(
      'unmap: handle must be a handle of map or shmAttach',
    );
  }
  expect(buffer.byteLength).toBe(4_096);
  expect(syscalls.unmap(buffer, map)).toBe(0);
  expect(syscalls.pollClose(poll)).toBe(0);
  for (const open of [fd, memory]) closeSync(open);
});

test('a mapping is unmapped under its own buffer only', () => {
  const fd = createMemory('own buffer', 4_096);
  const [one, ofOne] = syscalls.map(fd, 4_096) as [ArrayBuffer, never];
  const [two, ofTwo] = syscalls.map(fd, 4_096) as [ArrayBuffer, never];
  expect(syscalls.unmap(two, ofOne)).toBe(-EINVAL);
  expect(syscalls.unmap(new ArrayBuffer(4_096), ofOne)).toBe(-EINVAL);
  expect(() => syscalls.unmap(undefined as never, ofOne)).toThrow('unmap: buffer must be an ArrayBuffer');
  new Uint8Array(one)[0] = 1;
  expect(new Uint8Array(two)[0]).toBe(1);
  for (const [buffer, handle] of [
    [one, ofOne],
    [two, ofTwo],
  ] as const) {
    expect(syscalls.unmap(buffer, handle)).toBe(0);
    expect(syscalls.unmap(buffer, handle)).toBe(0);
  }
  closeSync(fd);
});

// ArrayBuffer.prototype.transfer came with Node 21.
test.skipIf(!('transfer' in ArrayBuffer.prototype))(
  'memory whose buffer was transferred is whole after close, and goes with its new buffer',
  async () => {
    const fd = createMemory('transferred', 4_096);
    const memory = new MappedMemory(fd, 4_096);
    new Uint8Array(memory.buffer)[9] = 9;
    const moved = (memory.buffer as ArrayBuffer & { transfer(length?: number): ArrayBuffer }).transfer();
    memory.close();
    memory.close();
    expect(new Uint8Array(moved)[9]).toBe(9);
    new Uint8Array(moved).fill(7);
    const copied = new MappedMemory(fd, 4_096);
    const longer = (copied.buffer as ArrayBuffer & { transfer(length?: number): ArrayBuffer }).transfer(
      8_192,
    );
    copied.close();
    expect(new Uint8Array(longer)[9]).toBe(7);
    closeSync(fd);
  },
);

test('what is filled in may lie at any byte', () => {
  const fd = createMemory('odd', 4_096);
  const queue = syscalls.msgGet(0, 0o1000 | 0o600);
  const odd = new Uint8Array(256).subarray(1);
  expect(syscalls.msgStat(queue, odd)).toBe(0);
  expect(syscalls.msgRemove(queue)).toBe(0);
  const epoll = syscalls.epollCreate();
  const bell = syscalls.eventfd();
  syscalls.epollControl(epoll, 1, bell, 1, 5);
  syscalls.eventfdSignal(bell);
  expect(syscalls.epollWait(epoll, odd, 1, 0)).toBe(1);
  expect(new DataView(odd.buffer).getInt32(1 + 4, true)).toBe(bell);
  for (const open of [fd, epoll, bell]) closeSync(open);
});
