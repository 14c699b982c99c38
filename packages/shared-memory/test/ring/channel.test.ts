import { bytesCodec, type ChannelOptions, type Codec, TransportChannel } from '@millrace/channel';
import { type ChannelPair, channelContract } from '@millrace/channel/contract';
import { createMemory, MappedMemory, NodePoller } from '@millrace/native';
import { syscalls } from '@millrace/native/syscalls';
import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { DOORBELL_BYTES, Doorbell, DoorbellListener, RingTransport } from '../../src/internal.js';
import { openRing, ringBytes } from '../../src/ring.js';

/** Two ends over two rings of `capacity` bytes in one memory, each with a doorbell of its own. */
function createPair<A, B>(
  capacity: number,
  codec: () => Codec<A, B>,
  options: ChannelOptions,
): ChannelPair<A, B> & { readonly right: TransportChannel<A, B> } {
  const bells = 2 * DOORBELL_BYTES;
  const length = bells + 2 * ringBytes(capacity);
  const fd = createMemory('ring-channel-test', length);
  const memory = new MappedMemory(fd, length);
  syscalls.close(fd);
  const eventfds = [syscalls.eventfd(), syscalls.eventfd()] as const;
  const doorbells = eventfds.map((eventfd, i) => new Doorbell(eventfd, memory.buffer, i * DOORBELL_BYTES));
  const [forth, back] = [0, 1].map((i) => openRing(memory.buffer, bells + i * ringBytes(capacity), capacity));
  const [leftBell, rightBell] = doorbells as [Doorbell, Doorbell];
  const leftListener = new DoorbellListener(leftBell, new NodePoller());
  const rightListener = new DoorbellListener(rightBell, new NodePoller());
  const left = new RingTransport({
    incoming: back!,
    outgoing: forth!,
    listener: leftListener,
    peer: rightBell,
  });
  const right = new RingTransport({
    incoming: forth!,
    outgoing: back!,
    listener: rightListener,
    peer: leftBell,
  });
  return {
    left: new TransportChannel(left, codec(), options),
    right: new TransportChannel(right, codec(), options),
    dispose() {
      leftListener.close();
      rightListener.close();
      for (const eventfd of eventfds) syscalls.close(eventfd);
      memory.close();
    },
  };
}

for (const capacity of [4096, 65_536, 1 << 20]) {
  channelContract(`a pair of rings of ${capacity} bytes`, {
    endsWithPeer: false,
    create: (codec, options) => createPair(capacity, codec, options),
  });
}

test('a reader that hands over takes a message to its end that it has begun, and none behind it', async () => {
  const { left, right, dispose } = createPair(4096, bytesCodec, {});
  const got: number[] = [];
  right.on('message', (bytes) => got.push(bytes.length));
  left.send(Buffer.alloc(100_000));
  left.send(Buffer.alloc(10));
  left.flush();
  right.deliverNow();
  // Its beginning fills the ring, and has been taken.
  expect(got).toEqual([]);
  await right.finishReading();
  expect(got).toEqual([100_000]);
  right.resume();
  await until('the message behind it', () => got.length === 2);
  left.destroy();
  right.destroy();
  dispose();
});
