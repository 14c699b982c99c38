import { within } from '@millrace/testkit';
import { afterEach, expect, test } from 'vitest';
import { NodePoller } from '../src/index.js';
import {
  check,
  E2BIG,
  EAGAIN,
  EBADF,
  EBUSY,
  ECANCELED,
  EFAULT,
  EIDRM,
  EINPROGRESS,
  EINVAL,
  IPC_CREAT,
  IPC_NOWAIT,
  IPC_PRIVATE,
  type MessageWaiter,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDWR,
  syscalls,
} from '../src/syscalls.js';

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function posixQueue(): number {
  const name = `millrace-native-${process.pid}`;
  const fd = check(syscalls.mqOpen(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0o600, 2, 16), 'mq_open');
  cleanups.push(() => {
    syscalls.close(fd);
    syscalls.mqUnlink(name);
  });
  return fd;
}

function systemVQueue(): number {
  const id = check(syscalls.msgGet(IPC_PRIVATE, IPC_CREAT | 0o600), 'msgget');
  cleanups.push(() => syscalls.msgRemove(id));
  return id;
}

function openWaiter(id: number): { waiter: MessageWaiter; rung: () => Promise<void> } {
  const bell = check(syscalls.eventfd(), 'eventfd');
  const waiter = syscalls.msgWaiterOpen(id, bell);
  if (typeof waiter === 'number') throw new Error(`no waiter: ${waiter}`);
  cleanups.push(() => {
    syscalls.msgWaiterClose(waiter, type);
    syscalls.close(bell);
  });
  const rung = () =>
    within(
      'the bell',
      new Promise<void>((resolve) => {
        const registration = new NodePoller().add(bell, () => {
          syscalls.eventfdDrain(bell);
          registration.close();
          resolve();
        });
        registration.update({ read: true, write: false });
      }),
    );
  return { waiter, rung };
}

const type = new Uint8Array(8);

function typed(kind: number, text: string): Buffer {
  const message = Buffer.alloc(8 + text.length);
  message.writeBigInt64LE(BigInt(kind));
  message.write(text, 8);
  return message;
}

test('a POSIX queue gives messages with their priority, and says when it is full or empty', () => {
  const fd = posixQueue();
  const priority = new Uint32Array(1);
  const out = new Uint8Array(priority.buffer);
  const bytes = Buffer.alloc(16);
  expect(syscalls.mqReceive(fd, bytes, 0, 16, out)).toBe(-EAGAIN);
  expect(syscalls.mqSend(fd, Buffer.from('--one'), 2, 3, 7)).toBe(0);
  expect(syscalls.mqSend(fd, new Uint8Array(0), 0, 0, 0)).toBe(0);
  expect(syscalls.mqSend(fd, bytes, 0, 1, 0)).toBe(-EAGAIN);
  const attributes = new Int32Array(4);
  expect(syscalls.mqAttributes(fd, new Uint8Array(attributes.buffer))).toBe(0);
  expect([...attributes.subarray(1)]).toEqual([2, 16, 2]);
  expect(syscalls.mqReceive(fd, bytes, 0, 16, out)).toBe(3);
  expect([bytes.toString('utf8', 0, 3), priority[0]]).toEqual(['one', 7]);
  expect(syscalls.mqReceive(fd, bytes, 0, 16, out)).toBe(0);
});

test('no call on a queue leaves its buffer', () => {
  const fd = posixQueue();
  const id = systemVQueue();
  const bytes = Buffer.alloc(16);
  expect(syscalls.mqSend(fd, bytes, 10, 7, 0)).toBe(-EFAULT);
  expect(syscalls.mqReceive(fd, bytes, 1, 16, new Uint8Array(4))).toBe(-EFAULT);
  expect(syscalls.mqReceive(fd, bytes, 0, 16, new Uint8Array(3))).toBe(-EFAULT);
  expect(syscalls.mqAttributes(fd, new Uint8Array(15))).toBe(-EFAULT);
  expect(syscalls.msgSend(id, bytes, 9, IPC_NOWAIT)).toBe(-EFAULT);
  expect(syscalls.msgSend(id, bytes, -1, IPC_NOWAIT)).toBe(-EFAULT);
  expect(syscalls.msgReceive(id, bytes, 9, 0, IPC_NOWAIT)).toBe(-EFAULT);
  expect(syscalls.msgStat(id, new Uint8Array(71))).toBe(-EFAULT);
});

test('a waiter is told of a message, which stays in the queue', async () => {
  const id = systemVQueue();
  const { waiter, rung } = openWaiter(id);
  expect(syscalls.msgWaiterResult(waiter, type)).toBe(-EAGAIN);
  expect(syscalls.msgWaiterReceive(waiter, 5)).toBe(0);
  expect(syscalls.msgWaiterReceive(waiter, 5)).toBe(-EBUSY);
  expect(syscalls.msgWaiterResult(waiter, type)).toBe(-EINPROGRESS);
  const bell = rung();
  syscalls.msgSend(id, typed(5, 'hello'), 5, IPC_NOWAIT);
  await bell;
  expect(syscalls.msgWaiterResult(waiter, type)).toBe(-E2BIG);
  expect(syscalls.msgWaiterResult(waiter, type)).toBe(-EAGAIN);
  const bytes = Buffer.alloc(16);
  expect(syscalls.msgReceive(id, bytes, 8, 0, IPC_NOWAIT)).toBe(5);
});

test('a waiter is told that its queue is gone, sends when there is room, and can be cancelled', async () => {
  const id = systemVQueue();
  expect(syscalls.msgSetCapacity(id, 8)).toBe(0);
  syscalls.msgSend(id, typed(1, '12345678'), 8, IPC_NOWAIT);
  const { waiter, rung } = openWaiter(id);
  expect(syscalls.msgWaiterSend(waiter, typed(2, 'second'), 6)).toBe(0);
  const sent = rung();
  const bytes = Buffer.alloc(16);
  syscalls.msgReceive(id, bytes, 8, 0, IPC_NOWAIT);
  await sent;
  expect(syscalls.msgWaiterResult(waiter, type)).toBe(0);
  expect(syscalls.msgReceive(id, bytes, 8, 2, IPC_NOWAIT)).toBe(6);

  const other = openWaiter(id);
  syscalls.msgWaiterReceive(other.waiter, 0);
  expect(syscalls.msgWaiterClose(other.waiter, type)).toBe(-ECANCELED);
  expect(syscalls.msgWaiterClose(other.waiter, type)).toBe(-EBADF);

  syscalls.msgWaiterReceive(waiter, 0);
  const gone = rung();
  syscalls.msgRemove(id);
  await gone;
  // EINVAL: it was gone before the thread had asked.
  expect([-EIDRM, -EINVAL]).toContain(syscalls.msgWaiterResult(waiter, type));
});
