import { bytesCodec } from '@millrace/channel';
import { EAGAIN, syscalls } from '@millrace/native/syscalls';
import { within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { createPipe, openPipe } from '../../src/index.js';

/** Messages that a pipe takes before its kernel buffer is full. */
function fills(sendBuffer: number | undefined): number {
  const { left, right } = createPipe({ sendBuffer });
  const message = Buffer.alloc(60_000);
  let count = 0;
  while (syscalls.send(left, message, 0, message.length) !== -EAGAIN) count++;
  for (const fd of [left, right]) syscalls.close(fd);
  return count;
}

test('a pipe with a larger send buffer takes more before its reader has to come', () => {
  expect(fills(400_000)).toBeGreaterThan(fills(undefined));
});

test('messages on either side of each limit arrive whole and in order, whatever has room when', async () => {
  const { left, right } = createPipe();
  const sender = openPipe<Uint8Array>(left, { codec: bytesCodec() });
  const receiver = openPipe<Uint8Array, Buffer>(right, { codec: bytesCodec() });
  // Gathered, a datagram of its own, the largest such, in two pieces, in many.
  const sizes = [10, 16_383, 16_384, 66_040, 66_041, 400_000];
  const COUNT = 120;
  const sizeOf = (number: number) => sizes[(number * 7 + (number >> 3)) % sizes.length] as number;
  for (let number = 0; number < COUNT; number++) {
    const message = Buffer.alloc(sizeOf(number), number & 255);
    message.writeUInt32LE(number);
    sender.send(message);
    // It is the caller's again.
    message.fill(0xee);
  }
  for (let number = 0; number < COUNT; number++) {
    const message = (await within(`message ${number}`, receiver.receive())) as Buffer;
    expect(message.readUInt32LE()).toBe(number);
    expect(message.length).toBe(sizeOf(number));
    expect(message.subarray(4).equals(Buffer.alloc(sizeOf(number) - 4, number & 255))).toBe(true);
  }
  expect(sender.stats().queuedBytes).toBe(0);
  sender.destroy();
  receiver.destroy();
});
