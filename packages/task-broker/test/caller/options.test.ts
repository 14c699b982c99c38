import { expect, test } from 'vitest';
import { resolveTransportOptions } from '../../src/caller/transport.js';
import { positive, VALUE_LIMIT } from '../../src/index.js';

const refused = (message: RegExp) =>
  expect.objectContaining({
    name: 'BrokerError',
    code: 'ERR_MILLRACE_BROKER_OPTION',
    message: expect.stringMatching(message),
  });

test('what is not said has the documented value', () => {
  expect(resolveTransportOptions({})).toEqual({
    valueLimit: VALUE_LIMIT,
    largeValues: undefined,
    sweepEvery: 5_000,
    connectTimeout: 10_000,
    drain: 10_000,
  });
});

test.each(['valueLimit', 'sweepEvery', 'connectTimeout', 'drain'])(
  "'%s' is a whole number above 0 that a timer can take",
  (name) => {
    expect(resolveTransportOptions({ [name]: 1 })).toMatchObject({ [name]: 1 });
    expect(resolveTransportOptions({ [name]: 2 ** 31 - 1 })).toMatchObject({ [name]: 2 ** 31 - 1 });
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5', null, {}])
      expect(() => positive(name, value)).toThrow(
        refused(new RegExp(`'${name}' must be a whole number from 1`)),
      );
    expect(() => resolveTransportOptions({ [name]: 0 })).toThrow(refused(/, not 0\.$/));
  },
);

test('a store has both functions', () => {
  const store = { put: async () => 'it', get: async () => Buffer.alloc(0) };
  expect(resolveTransportOptions({ largeValues: store }).largeValues).toBe(store);
  expect(() => resolveTransportOptions({ largeValues: { put: store.put } as never })).toThrow(
    refused(/'largeValues' must have the functions put and get/),
  );
});
