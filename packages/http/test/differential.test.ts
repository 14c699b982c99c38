import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Comparison, split } from './fuzz/compare.js';
import { conversations } from './fuzz/requests.js';

const REQUEST =
  'POST /a?b=c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\n\r\n';

test('whatever a client sends, and however it is cut, the answers are those of node:http', async () => {
  const comparison = new Comparison();
  await fc.assert(
    fc.asyncProperty(conversations, async ({ text, places }) => {
      expect(await comparison.difference(split(text, places))).toBeUndefined();
    }),
    { numRuns: 1_000, seed: 20 },
  );
  // The comparison is of something.
  expect(comparison.seen.leanToTheEnd).toBeGreaterThan(50);
});

test('two requests are answered the same wherever what a client sends is cut in two', async () => {
  const comparison = new Comparison();
  for (let at = 1; at < REQUEST.length; at++)
    expect(await comparison.difference(split(REQUEST, [at])), `cut at ${at}`).toBeUndefined();
  // But where the cut is in a field that says what the request is.
  expect(comparison.seen.leanToTheEnd).toBeGreaterThan(REQUEST.length - 20);
});
