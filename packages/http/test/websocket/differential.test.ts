import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { difference, sentLean } from './conversation.js';
import { binary, close, conversations, frame, manners, split, text } from './frames.js';

test('whatever a client sends, and however it is cut, programs hear and clients get what they do of ws', async () => {
  const before = sentLean;
  await fc.assert(
    fc.asyncProperty(
      conversations,
      manners,
      fc.array(fc.nat(), { maxLength: 3 }),
      async (bytes, manner, places) => {
        expect(await difference(split(bytes, places), manner)).toBeUndefined();
      },
    ),
    { numRuns: 600, seed: 117 },
  );
  // The comparison is of something.
  expect(sentLean - before).toBeGreaterThan(600);
});

test('a conversation is the same wherever what a client sends is cut in two', async () => {
  const bytes = Buffer.concat([
    text('one é'),
    binary(Buffer.alloc(130, 7)),
    frame({ first: 0x01, payload: Buffer.from([0xe2, 0x82]) }),
    frame({ first: 0x80, payload: Buffer.from([0xac]) }),
    frame({ first: 0x89, payload: Buffer.from('p') }),
    text('pause'),
    text('behind'),
    close(1000, 'bye'),
  ]);
  for (let at = 1; at < bytes.length; at++)
    expect(await difference(split(bytes, [at])), `cut at ${at}`).toBeUndefined();
});
