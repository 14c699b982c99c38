import { expect, test } from 'vitest';
import { channelContract } from '../../src/contract.js';
import { createMemoryPair, msgpackCodec } from '../../src/index.js';

channelContract('the in-memory pair', {
  endsWithPeer: true,
  create(codec, options) {
    const [left, right] = createMemoryPair(codec, options);
    return { left, right, dispose: () => {} };
  },
});

test('a loop sees a message that is undefined, and only the end ends it', async () => {
  const [a, b] = createMemoryPair(() => msgpackCodec<unknown>());
  const sent = ['one', undefined, 'two', 'three'];
  for (const value of sent) a.send(value);
  const closed = a.close();
  const got: unknown[] = [];
  for await (const value of b) got.push(value);
  await closed;
  expect(got).toEqual(sent);
  const over = Symbol('over');
  expect(await b.receive({ none: over })).toBe(over);
  expect(await b.receive()).toBeUndefined();
  expect(b.tryReceive(over)).toBe(over);
});
