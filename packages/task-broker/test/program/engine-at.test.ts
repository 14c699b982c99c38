import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { engineAt } from '../../src/program/engine-at.js';

const HERE = fileURLToPath(import.meta.url);
const directory = mkdtempSync(join(tmpdir(), 'millrace-engine-at-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A project with a package of that name; the path of a module in it. */
function project(name: string, packageName: string, source: string): string {
  const place = join(directory, name, 'node_modules', packageName);
  mkdirSync(place, { recursive: true });
  writeFileSync(
    join(place, 'package.json'),
    JSON.stringify({ name: packageName, type: 'module', exports: './index.js' }),
  );
  writeFileSync(join(place, 'index.js'), source);
  return join(directory, name, 'tasks.js');
}

test.each([
  ['redis://127.0.0.1:6379', 'BullMQ', { connection: 'redis://127.0.0.1:6379' }],
  ['rediss://127.0.0.1:6379', 'BullMQ', { connection: 'rediss://127.0.0.1:6379' }],
  ['unix:/run/redis.sock', 'BullMQ', { connection: '/run/redis.sock' }],
  ['nats://127.0.0.1:4222', 'NATS JetStream', { servers: ['nats://127.0.0.1:4222'] }],
  ['tls://127.0.0.1:4222', 'NATS JetStream', { servers: ['tls://127.0.0.1:4222'] }],
])('%s is an address of %s', async (address, name, options) => {
  const engine = await engineAt(address, 'images', HERE);
  expect(engine.name).toBe(name);
  expect(engine.recipe.options).toMatchObject(options);
  expect(Object.values(engine.recipe.options as object)).toContain('images');
});

test.each(['', '127.0.0.1:6379', 'amqp://127.0.0.1', 'constructor:', 'REDIS://127.0.0.1', 'http://redis:'])(
  "'%s' is none, and the error says what is one",
  async (address) => {
    await expect(engineAt(address, 'images', HERE)).rejects.toMatchObject({
      name: 'BrokerError',
      code: 'ERR_MILLRACE_BROKER_OPTION',
      value: address,
      message: expect.stringMatching(/redis:\/\/ .*nats:\/\//),
    });
  },
);

test('a name that the engine cannot have is refused by it', async () => {
  await expect(engineAt('redis://127.0.0.1', 'a:b', HERE)).rejects.toMatchObject({
    code: 'ERR_MILLRACE_BROKER_OPTION',
  });
  await expect(engineAt('nats://127.0.0.1', 'a b', HERE)).rejects.toMatchObject({
    code: 'ERR_MILLRACE_BROKER_OPTION',
  });
});

test('the package of the engine is that of the project that the module is in', async () => {
  const file = project(
    'whole',
    '@millrace/task-nats',
    'export const jetStreamEngine = (given) => ({ given });',
  );
  expect(await engineAt('nats://127.0.0.1', 'images', file)).toEqual({
    given: { servers: 'nats://127.0.0.1', stream: 'images' },
  });
});

test('a package that lacks what it needs is told with what installs it', async () => {
  const file = project('bare', '@millrace/task-bullmq', "import 'a-package-that-is-nowhere';");
  await expect(engineAt('redis://127.0.0.1', 'images', file)).rejects.toMatchObject({
    code: 'ERR_MILLRACE_BROKER_OPTION',
    message: expect.stringContaining('npm install @millrace/task-bullmq ioredis'),
  });
});
