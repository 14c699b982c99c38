import { redis } from '@millrace/task-bullmq/bus';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';

test('redis() fills in where Redis is, and the name', () => {
  expect(redis().options).toEqual({ connection: 'redis://127.0.0.1:6379', name: 'millrace' });
  expect(redis({ connection: { port: 7 }, name: 'a.b-c_1' }).options).toEqual({
    connection: { port: 7 },
    name: 'a.b-c_1',
  });
});

test.each([
  ['an option that there is not', { conection: '' }, 'ERR_MILLRACE_UNKNOWN_OPTION', /'conection'/],
  ['an empty name', { name: '' }, 'ERR_MILLRACE_BROKER_OPTION', /'name' must be 1 to 64/],
  ['a name with a pattern', { name: 'a*' }, 'ERR_MILLRACE_BROKER_OPTION', /'name'.*a\*/],
  ['a name that is too long', { name: 'x'.repeat(65) }, 'ERR_MILLRACE_BROKER_OPTION', /'name'/],
  ['a name that is no text', { name: 7 }, 'ERR_MILLRACE_BROKER_OPTION', /'name'.*7/],
  ['no connection', { connection: null }, 'ERR_MILLRACE_BROKER_OPTION', /'connection' must be an address/],
  [
    'another engine',
    { connection: 'nats://10.0.0.7' },
    'ERR_MILLRACE_BROKER_OPTION',
    /redis:\/\/ or rediss:\/\/.* not nats:/,
  ],
  ['a number', { connection: 6379 }, 'ERR_MILLRACE_BROKER_OPTION', /'connection' must be an address/],
])('redis() refuses %s', (_what, options, code, message) => {
  expect(() => redis(options as never)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
});

test('redis() refuses a connection of ioredis, which belongs to one process', () => {
  const connection = new Redis({ lazyConnect: true });
  expect(() => redis({ connection: connection as never })).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_BROKER_OPTION' }),
  );
});
