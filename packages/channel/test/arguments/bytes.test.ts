import { everyKindOfBytes, NO_BYTES } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { type Bytes, bytesCodec, bytesOf, bytesOrText, createMemoryPair } from '../../src/index.js';

const EIGHT = Buffer.of(1, 2, 3, 4, 5, 6, 7, 8);

test.each(Object.entries(everyKindOfBytes()))('%s is taken whole', async (_, bytes) => {
  expect(Buffer.from(bytesOf(bytes))).toEqual(EIGHT);
  expect(Buffer.from(bytesOrText(bytes))).toEqual(EIGHT);
  const [a, b] = createMemoryPair(() => bytesCodec());
  a.send(bytes);
  expect(await b.receive()).toEqual(EIGHT);
});

test('text is its UTF-8 where it is taken, and refused where it is not', () => {
  expect(Buffer.from(bytesOrText('häé😀')).toString()).toBe('häé😀');
  expect(bytesOrText('')).toHaveLength(0);
  expect(() => bytesOf('x' as unknown as Bytes)).toThrow('not "x"');
});

test.each(NO_BYTES)('%o is refused by what it is', (value) => {
  for (const take of [bytesOf, bytesOrText])
    expect(() => take(value as Bytes, 'body')).toThrow(
      expect.objectContaining({
        name: 'ArgumentError',
        code: 'ERR_MILLRACE_BYTES',
        argument: 'body',
        value,
        message: expect.stringMatching(/^'body' must be .*, not /),
      }),
    );
  const [a] = createMemoryPair(() => bytesCodec());
  expect(() => a.send(value as Bytes)).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_UNSENDABLE' }));
});
