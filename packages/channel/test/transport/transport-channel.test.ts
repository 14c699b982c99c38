import { expect, test } from 'vitest';
import { bytesCodec, type Transport, TransportChannel } from '../../src/index.js';

test('a closed channel asks nothing more of its transport', () => {
  const calls: string[] = [];
  const call = (name: string) => () => void calls.push(name);
  const transport: Transport = {
    maxMessageSize: 100,
    pendingBytes: 0,
    start: () => {},
    trySend: () => true,
    flush: call('flush'),
    receive: () => calls.push('receive'),
    setReading: call('setReading'),
    ref: call('ref'),
    unref: call('unref'),
    close: call('close'),
  };
  const scheduled: (() => void)[] = [];
  const channel = new TransportChannel(transport, bytesCodec(), {
    schedule: (flush) => scheduled.push(flush),
  });
  channel.send(Buffer.from('x'));
  calls.length = 0;
  channel.destroy();
  expect(channel.tryReceive()).toBeUndefined();
  for (const flush of scheduled) flush();
  channel.deliverNow();
  channel.pause();
  channel.resume();
  expect(calls).toEqual(['close']);
});
