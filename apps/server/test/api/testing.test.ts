import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendants, isRunning, Program, TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { startTestServer } from '../../src/testing.js';
import { fixture } from '../support.js';

const entry = fixture('under-test');

async function echo(port: number, line: string): Promise<string> {
  const client = await TestClient.connect(port);
  const answer = await client.ask(line);
  client.close();
  return answer;
}

test('a server under test gets a free port, whatever its options say, and is gone with all of its processes', async () => {
  const taken = createNetServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const server = await startTestServer(entry, { env: { PORT: String(port) } });
  expect(server.port).not.toBe(port);
  expect(server.addresses).toEqual([{ host: '127.0.0.1', port: server.port }]);
  expect(await echo(server.port, 'hello')).toMatch(/^[01] hello$/);
  const pids = [server.pid, ...descendants(server.pid).map(({ pid }) => pid)];
  expect(pids.length).toBeGreaterThanOrEqual(4);
  expect(await server.stop()).toBe(0);
  expect(pids.filter(isRunning)).toEqual([]);
  expect(await server.stop()).toBe(0);
  taken.close();
});

test('a server that does not start rejects with what it wrote', async () => {
  const failed = startTestServer(entry, { env: { FAIL: 'yes' } });
  await expect(failed).rejects.toMatchObject({ code: 'ERR_MILLRACE_START_FAILED' });
  await expect(failed).rejects.toThrow(/it ended with 1\. It wrote:\n[\s\S]*Error: as the test wants it/);
});

test('a signal ends the wait, and the server', async () => {
  const controller = new AbortController();
  const waiting = startTestServer(entry, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(startTestServer(entry, { signal: controller.signal })).rejects.toThrow('enough');
});

test('a server ends with the test that has started it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-testing-'));
  const file = join(directory, 'test.mjs');
  const helper = new URL('../../dist/testing.js', import.meta.url).href;
  writeFileSync(
    file,
    `import { startTestServer } from ${JSON.stringify(helper)};
const server = await startTestServer(${JSON.stringify(entry.pathname)});
console.log('started', server.pid);
process.kill(process.pid, 'SIGKILL');
`,
  );
  await using program = new Program(file);
  const [, pid] = await program.printed(/started (\d+)/);
  await until('its end', () => !isRunning(Number(pid)));
  rmSync(directory, { recursive: true });
});

test('with the option entry a server runs where Node was started with another module: node --test', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-testing-'));
  const file = join(directory, 'server.test.mjs');
  writeFileSync(
    file,
    `import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { server } from ${JSON.stringify(entry.href)};
test('it answers', async () => {
  const client = connect(server.addresses[0].port, server.addresses[0].host);
  client.write('hello\\n');
  const [answer] = await once(client, 'data');
  assert.match(String(answer), /^[01] hello\\n$/);
  client.destroy();
  await server.shutdown();
});
`,
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--test', file], {
    encoding: 'utf8',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  expect(`${stdout}${stderr}`).toMatch(/pass 1/);
  expect(status).toBe(0);
  rmSync(directory, { recursive: true });
});

test('with the option entry a server runs in a bundle’s or a test runner’s process: this one', async () => {
  const { server } = (await import(entry.href)) as typeof import('../fixtures/under-test.js');
  try {
    expect(await echo(server.addresses[0]?.port as number, 'hello')).toMatch(/^[01] hello$/);
  } finally {
    await server.shutdown();
  }
});

test('without a module to run the start says so, and names the option', () => {
  const index = new URL('../../dist/index.js', import.meta.url).href;
  const code = `import(${JSON.stringify(index)}).then(async ({ createServer }) => {
  const server = createServer({ port: 0, workerNum: 1 });
  server.on('receive', () => {});
  await server.start();
})`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', code, 'an-argument'], { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/name one by the option 'entry'/);
});
