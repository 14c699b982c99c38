import { expect, test } from 'vitest';
import { engineAt } from '../../src/program/engine-at.js';

test.each([
  ['redis://127.0.0.1:6379', 'BullMQ', { connection: 'redis://127.0.0.1:6379' }],
  ['rediss://127.0.0.1:6379', 'BullMQ', { connection: 'rediss://127.0.0.1:6379' }],
  ['unix:/run/redis.sock', 'BullMQ', { connection: '/run/redis.sock' }],
  ['nats://127.0.0.1:4222', 'NATS JetStream', { servers: ['nats://127.0.0.1:4222'] }],
  ['tls://127.0.0.1:4222', 'NATS JetStream', { servers: ['tls://127.0.0.1:4222'] }],
])('%s is an address of %s', async (address, name, options) => {
  const engine = await engineAt(address, 'images');
  expect(engine.name).toBe(name);
  expect(engine.recipe.options).toMatchObject(options);
  expect(Object.values(engine.recipe.options as object)).toContain('images');
});

test.each(['', '127.0.0.1:6379', 'amqp://127.0.0.1', 'constructor:', 'REDIS://127.0.0.1', 'http://redis:'])(
  "'%s' is none, and the error says what is one",
  async (address) => {
    await expect(engineAt(address, 'images')).rejects.toMatchObject({
      name: 'BrokerError',
      code: 'ERR_MILLRACE_BROKER_OPTION',
      value: address,
      message: expect.stringMatching(/redis:\/\/ .*nats:\/\//),
    });
  },
);

test('a name that the engine cannot have is refused by it', async () => {
  await expect(engineAt('redis://127.0.0.1', 'a:b')).rejects.toMatchObject({
    code: 'ERR_MILLRACE_BROKER_OPTION',
  });
  await expect(engineAt('nats://127.0.0.1', 'a b')).rejects.toMatchObject({
    code: 'ERR_MILLRACE_BROKER_OPTION',
  });
});
