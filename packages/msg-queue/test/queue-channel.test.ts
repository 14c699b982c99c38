import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { channelContract } from '@millrace/channel/contract';
import { afterAll, expect, test } from 'vitest';
import {
  freeSystemVQueueChannel,
  openPosixQueueChannel,
  openSystemVQueueChannel,
  PosixQueue,
  posixChannelNames,
  unlinkPosixQueueChannel,
} from '../src/index.js';
import { testKey } from './support.js';

const directory = mkdtempSync(join(tmpdir(), 'millrace-queue-channel-'));
let made = 0;

afterAll(() => rmSync(directory, { recursive: true }));

channelContract('a pair of POSIX queues', {
  endsWithPeer: false,
  create(codec, options) {
    const name = `/millrace-contract-${process.pid}-${made++}`;
    const open = (side: 'left' | 'right') =>
      openPosixQueueChannel(name, side, { codec: codec(), directory, ...options });
    return {
      left: open('left'),
      right: open('right'),
      dispose: () => void unlinkPosixQueueChannel(name, { directory }),
    };
  },
});

channelContract('a pair of System V queues', {
  endsWithPeer: false,
  create(codec, options) {
    const keys = [testKey(), testKey()] as const;
    const open = (side: 'left' | 'right') =>
      openSystemVQueueChannel(keys, side, { codec: codec(), directory, ...options });
    return {
      left: open('left'),
      right: open('right'),
      dispose: () => void freeSystemVQueueChannel(keys, { directory }),
    };
  },
});

test('the contract has left no queue and no file', () => {
  expect(readdirSync(directory)).toEqual([]);
  for (let i = 0; i < made; i++) {
    for (const name of posixChannelNames(`/millrace-contract-${process.pid}-${i}`)) {
      expect(PosixQueue.unlink(name)).toBe(false);
    }
  }
});
