import { randomNumbers } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { BrokerError, VALUE_LIMIT, valueBody } from '../../src/index.js';
import { Bodies, isThrown, type LargeValueStore } from '../../src/wire/bodies.js';
import * as layout from '../../src/wire/body-layout.js';

const LIMIT = 1_000;
const LARGE = 'x'.repeat(2 * LIMIT);

/** A store in memory; what it does wrong is what a test says. */
class MemoryStore implements LargeValueStore {
  readonly kept = new Map<string, Uint8Array>();

  async put(bytes: Buffer): Promise<string> {
    const reference = `värde/${this.kept.size}`;
    this.kept.set(reference, Buffer.from(bytes));
    return reference;
  }

  async get(reference: string): Promise<Uint8Array> {
    const bytes = this.kept.get(reference);
    if (bytes === undefined) throw new RangeError(`no ${reference}`);
    return bytes;
  }
}

const without = () => new Bodies({ limit: LIMIT, store: undefined });
const bodyOf = (kind: number, text: string) => Buffer.concat([Buffer.of(kind), Buffer.from(text)]);

describe('a value', () => {
  test.each([
    ['undefined', undefined],
    ['a number beyond 32 bits', 2 ** 40],
    ['a bigint', 12n],
    ['a text', 'straße'],
    [
      'a list of objects',
      [
        { a: 1, b: [null, true] },
        { a: 2, b: [] },
      ],
    ],
    ['a date', new Date(86_400_000)],
    ['a map', new Map([['one', 1]])],
  ])('%s is the same behind a body', async (_, value) => {
    const bodies = without();
    const body = await bodies.value(value);
    expect(isThrown(body)).toBe(false);
    expect(bodies.decode(body)).toEqual({ value });
    // A client of an engine may give bytes that are no Buffer, and lie in a larger one.
    const larger = new Uint8Array(body.length + 8);
    larger.set(body, 3);
    expect(without().decode(larger.subarray(3, 3 + body.length))).toEqual({ value });
  });

  test('of the limit goes through, and one byte more is refused with both numbers', async () => {
    const bodies = without();
    const spare = LIMIT - (await bodies.value('x'.repeat(500))).length;
    const most = 'x'.repeat(500 + spare);
    expect((await bodies.value(most)).length).toBe(LIMIT);
    expect(() => bodies.value(`${most}x`)).toThrow(
      expect.objectContaining({
        name: 'BrokerError',
        code: 'ERR_MILLRACE_TASK_TOO_LARGE',
        value: LIMIT + 1,
        limit: LIMIT,
        message: expect.stringMatching(/valueLimit.*largeValues/),
      }),
    );
    expect(() => bodies.small(LARGE)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_TASK_TOO_LARGE' }),
    );
  });

  test('that cannot be sent is refused, and names where', () => {
    expect(() => without().value({ deep: [() => {}] })).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_UNSENDABLE', path: 'value.deep[0]' }),
    );
  });

  test('beyond the limit of everybody is refused where a task is enqueued without a pool', () => {
    expect(() => valueBody(Buffer.alloc(VALUE_LIMIT))).toThrow(BrokerError);
    expect(without().decode(valueBody([1]))).toEqual({ value: [1] });
  });
});

describe('what was thrown', () => {
  test('is an error of its class, with what it has of its own', async () => {
    const bodies = without();
    const body = await bodies.thrown(Object.assign(new RangeError('too far'), { by: 3 }));
    expect(isThrown(body)).toBe(true);
    const answer = await bodies.decode(body);
    expect(answer).toMatchObject({ thrown: { name: 'RangeError', message: 'too far', by: 3 } });
    expect('thrown' in answer && answer.thrown).toBeInstanceOf(RangeError);
  });

  test('is said without what cannot be sent', async () => {
    const bodies = without();
    const answer = await bodies.decode(await bodies.thrown(Object.assign(new Error('odd'), { f: () => {} })));
    expect(answer).toMatchObject({ thrown: { message: 'odd' } });
  });

  test('and is larger than the limit is answered with that', async () => {
    const bodies = without();
    const answer = await bodies.decode(await bodies.thrown(new Error(LARGE)));
    expect(answer).toMatchObject({ thrown: { code: 'ERR_MILLRACE_TASK_TOO_LARGE', limit: LIMIT } });
  });
});

describe('with a store', () => {
  test('what is too large is kept there, and only its reference is in the body', async () => {
    const store = new MemoryStore();
    const bodies = new Bodies({ limit: LIMIT, store });
    const value = await bodies.value(LARGE);
    const thrown = await bodies.thrown(new Error(LARGE));
    expect([value.toString('utf8', 1), isThrown(value)]).toEqual(['värde/0', false]);
    expect([thrown.toString('utf8', 1), isThrown(thrown)]).toEqual(['värde/1', true]);
    expect(await bodies.decode(value)).toEqual({ value: LARGE });
    expect(await bodies.decode(thrown)).toMatchObject({ thrown: { message: LARGE } });
  });

  test('what the store does not take, or give back, is an error with its own as the cause', async () => {
    const full = {
      put: () => Promise.reject(new Error('full')),
      get: () => Promise.reject(new Error('gone')),
    };
    const bodies = new Bodies({ limit: LIMIT, store: full });
    const code = 'ERR_MILLRACE_TASK_STORE';
    await expect(bodies.value(LARGE)).rejects.toMatchObject({ code, cause: { message: 'full' } });
    await expect(bodies.decode(bodyOf(layout.STORED, 'it'))).rejects.toMatchObject({
      code,
      cause: { message: 'gone' },
      message: expect.stringContaining("'it'"),
    });
  });

  test('a process that has none says what it lacks', async () => {
    await expect(without().decode(bodyOf(layout.STORED, 'it'))).rejects.toMatchObject({
      code: 'ERR_MILLRACE_TASK_STORE',
      message: expect.stringContaining('largeValues'),
    });
  });

  test('what it gives back is a body of its own, and no further reference', async () => {
    const store = new MemoryStore();
    store.kept.set('it', bodyOf(layout.STORED, 'it'));
    await expect(
      new Bodies({ limit: LIMIT, store }).decode(bodyOf(layout.STORED, 'it')),
    ).rejects.toMatchObject({ code: 'ERR_MILLRACE_BAD_MESSAGE' });
  });
});

describe('bytes that are no body', () => {
  const refused = expect.objectContaining({ code: 'ERR_MILLRACE_BAD_MESSAGE' });

  test.each([
    ['none', Buffer.alloc(0)],
    ['a kind that there is not', bodyOf(0, 'x')],
    ['a kind of a later version', bodyOf(layout.STORED_THROWN + 1, 'x')],
    ['a kind alone', Buffer.of(layout.VALUE)],
    ['half a text', Buffer.of(layout.VALUE, 0xd9, 200, 0x61)],
    ['more than one value', Buffer.of(layout.VALUE, 1, 1)],
  ])('are refused: %s', (_, bytes) => {
    expect(() => without().decode(bytes)).toThrow(refused);
  });

  test('where something thrown should be are an error that says so', () => {
    expect(without().decode(Buffer.of(layout.THROWN, 1))).toMatchObject({
      thrown: { code: 'ERR_MILLRACE_BAD_MESSAGE' },
    });
  });

  test('of every kind are refused with a code, or are a value', async () => {
    const random = randomNumbers(18);
    for (let round = 0; round < 2_000; round++) {
      const bytes = Buffer.from(Array.from({ length: 1 + random(40) }, () => random(256)));
      // Each of them is one that is looked into.
      bytes[layout.KIND_AT] = round % 2 === 0 ? layout.VALUE : layout.THROWN;
      const answer = (() => {
        try {
          return without().decode(bytes);
        } catch (error) {
          return { refused: error };
        }
      })();
      if ('refused' in answer) expect(answer).toEqual({ refused });
      else expect('value' in answer).toBe(round % 2 === 0);
    }
  });
});
