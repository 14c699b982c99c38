import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { within } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { QueueChannel } from '../../src/index.js';
import { payloads, testKey, testName } from '../support.js';

const POST = new URL('../fixtures/post.py', import.meta.url).pathname;

let directory: string;
let channel: QueueChannel<unknown>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-external-'));
});

afterEach(() => {
  channel.destroy();
  rmSync(directory, { recursive: true });
});

function post(value: unknown, ...to: string[]): void {
  const { status, stderr } = spawnSync('python3', [POST, ...to, '--directory', directory], {
    input: JSON.stringify(value),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

async function threeMessages(to: string[]): Promise<void> {
  const small = [1, 2, 'resize', { path: '/tmp/a', scale: 0.5, tags: ['x', null, true] }];
  const large = {
    name: 'large',
    lines: Array.from({ length: 400 }, (_, i) => `line ${i} ${'é'.repeat(40)}`),
  };
  expect(JSON.stringify(large).length).toBeGreaterThan(16_384);
  const received = channel.receive();
  post(small, ...to);
  expect(await within('the small one', received)).toEqual(small);
  post(large, ...to);
  expect(payloads(directory)).toHaveLength(1);
  expect(await within('the large one', channel.receive())).toEqual(large);
  expect(payloads(directory)).toEqual([]);
  post('x'.repeat(512), ...to);
  expect(await within('the string', channel.receive())).toBe('x'.repeat(512));
  post('bytes:40000', ...to);
  const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, i) => i % 251));
  expect(Buffer.compare((await within('the bytes', channel.receive())) as Buffer, bytes)).toBe(0);
  expect(channel.stats().bad).toBe(0);
}

describe('a program that is not Node packs a small value, a large one, a string and bytes; the channel receives them', () => {
  test('over a POSIX queue', async () => {
    const name = testName();
    channel = QueueChannel.open(name, 'right', { directory });
    await threeMessages(['--posix', QueueChannel.names(name)[0]]);
    QueueChannel.unlink(name, { directory });
  });

  test('over a System V queue', async () => {
    const keys = [testKey(), testKey()] as const;
    channel = QueueChannel.open(keys, 'right', { directory });
    await threeMessages(['--sysv', String(keys[0])]);
    QueueChannel.unlink(keys, { directory });
  });
});
