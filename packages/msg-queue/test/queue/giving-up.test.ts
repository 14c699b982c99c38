import { setImmediate as turn } from 'node:timers/promises';
import { within } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { PosixQueue, SystemVQueue } from '../../src/index.js';
import { random, testKey, testName } from '../support.js';

const TOTAL = process.env.MILLRACE_STRESS ? 50_000 : 2_000;
const SEED = Number(process.env.MILLRACE_SEED ?? 11);

/** The same words for both kinds: two objects for one queue that holds two messages. */
const kinds: [
  string,
  () => { queue: PosixQueue | SystemVQueue; other: PosixQueue | SystemVQueue; remove(): void },
][] = [
  [
    'a POSIX queue',
    () => {
      const queue = PosixQueue.create(testName(), { maxMessages: 2, messageSize: 8 });
      return { queue, other: PosixQueue.open(queue.name), remove: () => void queue.unlink() };
    },
  ],
  [
    'a System V queue',
    () => {
      const queue = SystemVQueue.create(testKey(), { capacity: 8 });
      return { queue, other: SystemVQueue.attach(queue.id), remove: () => void queue.free() };
    },
  ],
];

function numbered(number: number): Buffer {
  const message = Buffer.alloc(4);
  message.writeUInt32LE(number);
  return message;
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

describe.each(kinds)('waits on %s that are given up at any moment', (_name, make) => {
  test('to receive: no message is lost, doubled or out of order', async () => {
    const { queue, other, remove } = make();
    const next = random(SEED);
    const posting = (async () => {
      for (let i = 0; i < TOTAL; i++) {
        while (other.trySend(numbered(i)) === 'full') await turn();
        if (next() < 0.5) await turns(Math.floor(next() * 3));
      }
    })();
    const seen: number[] = [];
    while (seen.length < TOTAL) {
      const stop = new AbortController();
      const received: Promise<{ data: Buffer }> = queue.receive({ signal: stop.signal });
      const outcome = received.then(
        ({ data }) => void seen.push(data.readUInt32LE()),
        () => {},
      );
      await turns(Math.floor(next() * 4));
      stop.abort();
      await within('the outcome', outcome);
    }
    await posting;
    expect(seen).toEqual(Array.from({ length: TOTAL }, (_, i) => i));
    queue.close();
    other.close();
    remove();
  }, 600_000);

  test('to send: what was said to be sent arrives, in order, and nothing twice', async () => {
    const { queue, other, remove } = make();
    const next = random(SEED + 1);
    const sent = new Set<number>();
    const seen: number[] = [];
    let over = false;
    const reading = (async () => {
      for (;;) {
        const message = other.tryReceive();
        if (message !== 'empty') seen.push(message.data.readUInt32LE());
        else if (over) return;
        else await turns(Math.floor(next() * 3));
        if (next() < 0.3) await turn();
      }
    })();
    for (let i = 0; i < TOTAL; i++) {
      const stop = new AbortController();
      const outcome = queue.send(numbered(i), { signal: stop.signal }).then(
        () => void sent.add(i),
        () => {},
      );
      await turns(Math.floor(next() * 4));
      stop.abort();
      await within('the outcome', outcome);
    }
    over = true;
    await within('the reading', reading, 60_000);
    expect(seen.filter((number, index) => index > 0 && number <= (seen[index - 1] as number))).toEqual([]);
    // One that was given up may have gone out in that instant: see the README.
    expect([...sent].filter((number) => !seen.includes(number))).toEqual([]);
    expect(sent.size).toBeGreaterThan(TOTAL / 20);
    queue.close();
    other.close();
    remove();
  }, 600_000);
});
