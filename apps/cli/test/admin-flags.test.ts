/** Where a start puts its admin interface besides the unix socket. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { millrace } from './millrace.js';
import { portOf, programOf, start } from './support.js';

const TOKEN = 'a-token-that-nobody-guesses';

let directory = '';
let env: NodeJS.ProcessEnv = {};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-flags-'));
  env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function statusCode(host: string, port: number, token: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    request({ host, port, path: '/v1/status', agent: false, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

test('a start serves its admin interface at another address, with the token of a file that no command line shows', async () => {
  const file = join(directory, 'token');
  writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
  const flags = [
    '--workers',
    '1',
    '--admin-port',
    '0',
    '--admin-host',
    '127.0.0.2',
    '--admin-token-file',
    file,
  ];
  await using program = start(programOf('hello.cjs'), { flags, env });
  await portOf(program);
  const { adminAddress, processTable } = JSON.parse((await millrace(['status', '--json'], env)).stdout);
  expect(adminAddress).toMatchObject({ host: '127.0.0.2' });
  expect(await statusCode('127.0.0.2', adminAddress.port, TOKEN)).toBe(200);
  expect(await statusCode('127.0.0.2', adminAddress.port, 'another-token-of-somebody')).toBe(401);
  for (const { pid } of processTable)
    for (const what of ['cmdline', 'environ'])
      expect(readFileSync(`/proc/${pid}/${what}`, 'utf8')).not.toContain(TOKEN);
  expect(program.output).not.toContain(TOKEN);
});

test.each([
  ['--admin-host', '127.0.0.2'],
  ['--admin-token-file', 'token'],
])('%s without a port is wrong usage', async (...flags) => {
  const { code, stderr } = await millrace(['start', ...flags, programOf('hello.cjs')], env);
  expect([code, stderr]).toEqual([
    2,
    `${flags[0]} is of a port: --admin-port says which, 0 for a free one.\n`,
  ]);
});
