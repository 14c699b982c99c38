import { expect, test } from 'vitest';
import { createServer } from '../../src/index.js';
import { startTestServer } from '../../src/testing.js';

test('reload() and startTestServer() refuse a misspelt option', async () => {
  const server = createServer({ port: 0 });
  for (const [name, call] of [
    ['server.reload', () => server.reload({ taskOnly: true } as object)],
    ['startTestServer()', () => startTestServer('/nowhere.js', { taskOnly: true } as object)],
  ] as const)
    await expect(call()).rejects.toMatchObject({
      code: 'ERR_MILLRACE_UNKNOWN_OPTION',
      message: expect.stringContaining(`${name} has no option 'taskOnly'`),
    });
});
