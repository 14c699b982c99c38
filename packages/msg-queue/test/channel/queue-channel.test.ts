import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesCodec } from '@millrace/channel';
import { channelContract } from '@millrace/channel/contract';
import { afterAll, expect, test } from 'vitest';
import { PosixQueue, QueueChannel } from '../../src/index.js';
import { testKey } from '../support.js';

const directory = mkdtempSync(join(tmpdir(), 'millrace-queue-channel-'));
let made = 0;

afterAll(() => rmSync(directory, { recursive: true }));

channelContract('a pair of POSIX queues', {
  endsWithPeer: false,
  create(codec, options) {
    const name = `/millrace-contract-${process.pid}-${made++}`;
    const open = (side: 'left' | 'right') =>
      QueueChannel.open(name, side, { codec: codec(), directory, ...options });
    return {
      left: open('left'),
      right: open('right'),
      dispose: () => void QueueChannel.unlink(name, { directory }),
    };
  },
});

channelContract('a pair of System V queues', {
  endsWithPeer: false,
  create(codec, options) {
    const keys = [testKey(), testKey()] as const;
    const open = (side: 'left' | 'right') =>
      QueueChannel.open(keys, side, { codec: codec(), directory, ...options });
    return {
      left: open('left'),
      right: open('right'),
      dispose: () => void QueueChannel.unlink(keys, { directory }),
    };
  },
});

test('a message without bytes waits for room, and is sent before the channel closes', async () => {
  const name = `/millrace-contract-${process.pid}-${made++}`;
  const open = (side: 'left' | 'right') =>
    QueueChannel.open(name, side, { codec: bytesCodec(), directory, maxMessages: 1 });
  const [left, right] = [open('left'), open('right')];
  for (const text of ['a', '']) left.send(Buffer.from(text));
  expect(left.queuedBytes).toBeGreaterThan(0);
  const ends: string[] = [];
  const drained = left.drained().then(() => ends.push('drained'));
  const closing = left.close().then(() => ends.push('closed'));
  await new Promise(setImmediate);
  expect(ends).toEqual([]);
  for (const text of ['a', '']) expect((await right.receive())?.toString()).toBe(text);
  await Promise.all([drained, closing]);
  right.destroy();
  QueueChannel.unlink(name, { directory });
});

test('the contract has left no queue and no file', () => {
  expect(readdirSync(directory)).toEqual([]);
  for (let i = 0; i < made; i++) {
    for (const name of QueueChannel.names(`/millrace-contract-${process.pid}-${i}`)) {
      expect(PosixQueue.unlink(name)).toBe(false);
    }
  }
});
