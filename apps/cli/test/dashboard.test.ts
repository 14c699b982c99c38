import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@millrace/testkit';
import { openBrowser, WatchedPage, whyNoBrowser } from '@millrace/testkit/browser';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { millrace, type Ran } from './millrace.js';
import { get, portOf, programOf, start } from './support.js';

const TOKEN = 'a-token-of-24-characters';

let directory = '';
let env: NodeJS.ProcessEnv = {};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-dashboard-'));
  env = { MILLRACE_RUNTIME_DIR: join(directory, 'run'), MILLRACE_ADMIN_TOKEN: TOKEN };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = (...args: string[]): Promise<Ran> => millrace(args, env);
const hello = (...flags: string[]) =>
  start(programOf('hello.cjs'), { flags: ['--workers', '2', '--log-level', 'warn', ...flags], env });

describe('millrace dashboard', () => {
  test('tells where the page of a server is, and what gives it one where there is none', async () => {
    await using program = hello('--admin-port', '0');
    await portOf(program);
    const { code, stdout } = await run('dashboard');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\n$/);
    const page = await fetch(stdout.trim());
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('/dashboard/app.js')]);
    await using without = hello('--name', 'without');
    await portOf(without);
    const none = await run('dashboard', 'without');
    expect([none.code, none.stdout]).toEqual([1, '']);
    expect(none.stderr).toContain(`ssh -L 9600:${join(directory, 'run', 'without.sock')} `);
  });

  test('a start with a port for it, and no token, fails and says what to do', async () => {
    env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
    await using program = hello('--admin-port', '0');
    expect(await program.ended()).toEqual({ code: 1, signal: null });
    await program.printed(/ERR_MILLRACE_ADMIN: .*MILLRACE_ADMIN_TOKEN.*openssl rand -hex 32/);
    await using wrong = hello('--admin-port', '70000');
    expect(await wrong.ended()).toEqual({ code: 2, signal: null });
  });

  test.skipIf(whyNoBrowser() !== undefined)('is a page that shows what `status --json` says', async () => {
    await using program = hello('--admin-port', '0');
    const port = await portOf(program);
    for (let requests = 0; requests < 5; requests++) await get(port);
    const browser = await openBrowser();
    try {
      const { page } = await WatchedPage.open(browser);
      await page.goto((await run('dashboard')).stdout.trim());
      await page.getByLabel('Token').fill(TOKEN);
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'Processes', exact: true }).click();
      const rows = page.getByRole('table').getByRole('row');
      await until('the processes', async () => (await rows.count()) === 6);
      const shown = await until('the same numbers', async () => {
        const { processTable } = JSON.parse((await run('status', '--json')).stdout);
        const told = processTable.map((one: Record<string, unknown>) =>
          [
            String(one.name).replace(':', ' '),
            one.state,
            one.pid,
            one.messages ?? '–',
            one.restarts ?? '–',
          ].join(' '),
        );
        const texts = (await rows.allInnerTexts())
          .slice(1)
          .map((text) => text.split('\t').map((cell) => cell.trim()));
        const read = texts.map((cells) => [0, 1, 2, 8, 10].map((column) => cells[column]).join(' '));
        return JSON.stringify(read) === JSON.stringify(told) && read;
      });
      expect(shown).toHaveLength(5);
    } finally {
      await browser.close();
    }
  });
});
