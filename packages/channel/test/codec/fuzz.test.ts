import { randomNumbers } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { type Codec, Frame, jsonCodec, msgpackCodec } from '../../src/index.js';

/** Inputs for each decoder; all of them with MILLRACE_STRESS. */
const INPUTS = process.env.MILLRACE_STRESS ? 1_000_000 : 50_000;
/** The largest heap that decoding a message of a few hundred bytes may leave behind, in bytes. */
const MOST_GROWTH = 64 << 20;

const VALUES: unknown[] = [
  { path: '/a', size: 1, list: [1, -2, 3.5, null, true, { deep: [{ path: '/b', size: 2 }] }] },
  [
    new Map([['k', new Set([1n, 2n])]]),
    new Date(0),
    /x/g,
    Buffer.from('bytes'),
    new Error('e'),
    new Uint16Array(4),
  ],
  'x'.repeat(300),
  Array.from({ length: 40 }, (_, i) => ({ id: i, text: `t${i}` })),
];

function fuzz(codec: Codec<unknown>, values: readonly unknown[], peer: Codec<unknown>): void {
  const next = randomNumbers(0x5eed);
  const frame = new Frame();
  const seeds = values.map((value) => {
    peer.encode(value, frame);
    const bytes = Buffer.alloc(frame.length);
    frame.copyTo(bytes, 0);
    return bytes;
  });
  const memory = Buffer.alloc(4_096);
  let bad = 0;
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < INPUTS; i++) {
    const seed = seeds[next(seeds.length)] as Buffer;
    let length = seed.copy(memory);
    for (let flips = 1 + next(6); flips > 0; flips--) memory[next(length)] = next(256);
    if (next(4) === 0) length = next(length + 1);
    try {
      codec.decode(memory, 0, length);
    } catch (error) {
      bad++;
      if ((error as { code?: string }).code !== 'ERR_MILLRACE_BAD_MESSAGE') throw error;
    }
  }
  expect(bad).toBeGreaterThan(INPUTS / 10);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(MOST_GROWTH);
  // What it was fed has not taught it anything.
  for (const [i, seed] of seeds.entries()) expect(codec.decode(seed, 0, seed.length)).toEqual(values[i]);
}

const records = [['path', 'size']];
const LONG = { timeout: 600_000 };

test('the MessagePack decoder takes any bytes: a value or a bad message, nothing else', LONG, () => {
  fuzz(msgpackCodec(), VALUES, msgpackCodec());
});

test('so it does with agreed records, which no message changes', LONG, () => {
  fuzz(msgpackCodec({ records }), VALUES, msgpackCodec({ records }));
});

test('the JSON decoder takes any bytes: a value or a bad message, nothing else', LONG, () => {
  fuzz(jsonCodec(), [VALUES[0], VALUES[2], VALUES[3]], jsonCodec());
});
