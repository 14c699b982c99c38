import { CONTINUE, Frame } from '@millrace/channel';
import { randomNumbers } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { HEAD_WORD, HEADER_BYTES, TAIL_WORD, TAKEN_WORD } from '../../src/ring/layout.js';
import { openRing, RingReader, RingWriter, ringBytes } from '../../src/ring.js';

/** Rings that are scribbled over; all of them with MILLRACE_STRESS. */
const INPUTS = process.env.MILLRACE_STRESS ? 1_000_000 : 50_000;
const CAPACITY = 4_096;
const LIMIT = 20_000;

/** Values that a mutation is likely to make interesting: kinds, lengths at the limits, signs. */
const VALUES = [0, 1, 2, 3, 4, 5, 6, 8, 4_088, 4_096, LIMIT, LIMIT + 1, -1, -8, 0x7fff_ffff, -0x8000_0000];

test('a ring of any contents is read as messages or ends in an error, within its memory and its limit', {
  timeout: 3_600_000,
}, () => {
  const memory = new ArrayBuffer(ringBytes(CAPACITY));
  const words = new Int32Array(memory);
  const next = randomNumbers(0x5eed);
  const frame = new Frame();
  let visited = 0;
  let corrupt = 0;
  let outside = 0;
  const visit = (bytes: Buffer, start: number, end: number) => {
    if (start < 0 || end < start || end > bytes.length || end - start > LIMIT) outside++;
    visited++;
    return CONTINUE;
  };
  for (let i = 0; i < INPUTS; i++) {
    words.fill(0, HEADER_BYTES >> 2);
    const start = next(1 << 29) * 8;
    for (const word of [TAIL_WORD, TAKEN_WORD, HEAD_WORD]) words[word] = start;
    const ring = openRing(memory, 0, CAPACITY);
    const writer = new RingWriter(ring);
    for (let messages = 1 + next(5); messages > 0; messages--) {
      frame.setBody(Buffer.alloc(next(8) === 0 ? next(8_000) : next(100), 1));
      writer.tryWrite(frame);
    }
    for (let scribbles = 1 + next(4); scribbles > 0; scribbles--) {
      const at = next(4) === 0 ? TAIL_WORD : (HEADER_BYTES >> 2) + next(next(2) === 0 ? 30 : CAPACITY >> 2);
      if (next(2) === 0) words[at] = VALUES[next(VALUES.length)] as number;
      else words[at] = (words[at] as number) ^ (1 << next(32));
    }
    const reader = new RingReader(ring, LIMIT);
    try {
      // No more records fit than this, so that a reader that goes round would be found.
      let rounds = 0;
      while (reader.read(visit, 7) > 0) if (rounds++ > CAPACITY) throw new Error('It reads for ever.');
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_MILLRACE_RING_CORRUPT') throw error;
      corrupt++;
    }
  }
  expect(outside).toBe(0);
  expect(visited).toBeGreaterThan(INPUTS);
  expect(corrupt).toBeGreaterThan(INPUTS / 10);
});
