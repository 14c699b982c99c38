import { TestClient, until, within } from '@millrace/testkit';
import { type WatchedPage, whyNoBrowser } from '@millrace/testkit/browser';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Dashboard, enter, TOKEN, untilFigure } from './dashboard-page.js';

const reason = whyNoBrowser();
if (reason !== undefined) console.warn(`The dashboard is not looked at: ${reason}`);

describe.skipIf(reason !== undefined)('the dashboard, in a browser', () => {
  let dashboard: Dashboard;
  let opened: WatchedPage[] = [];
  beforeAll(async () => {
    dashboard = await Dashboard.started({ maxWorkerNum: 3 });
  });
  afterAll(() => dashboard?.[Symbol.asyncDispose]());
  afterEach(async () => {
    for (const watched of opened) await watched.close();
    opened = [];
  });
  const open = async (...args: Parameters<Dashboard['open']>): Promise<WatchedPage> => {
    const watched = await dashboard.open(...args);
    opened.push(watched);
    return watched;
  };
  const tile = ({ page }: WatchedPage, name: string) =>
    page.getByRole('link', { name: new RegExp(`^${name}, `) });

  test('asks for the token, refuses another one, and keeps it in this tab alone', async () => {
    const watched = await open('', {});
    const { page } = watched;
    await page.getByRole('heading', { name: 'Processes' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Processes' }).waitFor();
    const kept = await page.evaluate('[{ ...localStorage }, document.cookie, location.href]');
    expect(JSON.stringify(kept)).not.toContain(TOKEN);
    expect(await page.context().cookies()).toEqual([]);
    const other = await page.context().newPage();
    await other.goto(dashboard.url);
    await other.getByLabel('Token').waitFor();
    await other.close();
    await page.getByRole('button', { name: 'Leave' }).click();
    await page.getByLabel('Token').waitFor();
    expect(await page.evaluate('JSON.stringify({ ...sessionStorage })')).not.toContain(TOKEN);
    for (const wrong of ['another-token-of-28-characters', 'tökên ☃ of no header at all']) {
      await enter(watched, wrong);
      await page.getByText('This is not the token of this server.').waitFor();
    }
    await enter(watched);
    await page.getByRole('heading', { name: 'Processes' }).waitFor();
  });

  test('shows what the status says', async () => {
    const port = await dashboard.server.port();
    const clients = await Promise.all(Array.from({ length: 7 }, () => TestClient.connect(port)));
    for (const client of clients) expect(await client.ask('a')).toBe('a');
    const watched = await open();
    const { body: status } = await dashboard.server.get('/v1/status');
    await untilFigure(watched, 'Connections', String(status.connections.open));
    expect(status.connections.open).toBe(7);
    const { page } = watched;
    expect(await page.locator('.server').innerText()).toContain(`${status.name}\nready`);
    await page.getByRole('link', { name: 'Processes', exact: true }).click();
    const { processes } = (await dashboard.server.get('/v1/processes')).body;
    const rows = page.getByRole('table').getByRole('row');
    await until('a row for each process', async () => (await rows.count()) === processes.length + 1);
    const shown = (await rows.allInnerTexts()).slice(1).map((text) =>
      text
        .split('\t')
        .slice(0, 3)
        .map((cell) => cell.trim()),
    );
    expect(shown).toEqual(
      processes.map(({ name, state, pid }: { name: string; state: string; pid: number }) => [
        name.replace('-', ' ').replace(':', ' '),
        state,
        String(pid),
      ]),
    );
    for (const client of clients) client.close();
  });

  test('shows a killed worker within a second, and the next one', async () => {
    const watched = await open();
    await tile(watched, 'worker 1').waitFor();
    const { pid } = await dashboard.server.process('worker:1');
    const link = await tile(watched, 'worker 1').elementHandle();
    process.kill(pid, 'SIGKILL');
    // The tile of a process goes with it.
    await within('the tile to go', link?.waitForElementState('hidden') as Promise<void>, 1_000);
    const { page } = watched;
    await page.locator('.happenings', { hasText: 'has failed: SIGKILL' }).waitFor();
    await page.locator('.happenings', { hasText: `in the place of ${pid}` }).waitFor();
    await tile(watched, 'worker 1, ready')
      .or(page.getByRole('link', { name: /^worker 1, ready/ }))
      .first()
      .waitFor();
  });

  test('reloads and kills by buttons, but not without an answer to its question', async () => {
    const watched = await open();
    const { page } = watched;
    const { server } = dashboard;
    const before = await server.process('worker:0');
    await page.getByRole('button', { name: 'Reload …' }).click();
    await page.getByRole('dialog', { name: 'Reload the workers?' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await until('the dialog to close', async () => (await page.getByRole('dialog').count()) === 0);
    expect((await server.process('worker:0')).pid).toBe(before.pid);
    await page.getByRole('button', { name: 'Reload …' }).click();
    await page.getByRole('button', { name: 'Reload', exact: true }).click();
    await page.getByText(/^Reloaded\. \d+ replaced\.$/).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    const reloaded = await server.process('worker:0');
    expect(reloaded.pid).not.toBe(before.pid);
    await tile(watched, 'worker 0').click();
    await page.getByText(`process ${reloaded.pid}`, { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Kill …' }).click();
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText(`SIGKILL has been sent to process ${reloaded.pid}.`).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    const next = await until('the next process', async () => {
      const found = await server.process('worker:0');
      return found.pid !== reloaded.pid && found.state === 'ready' && found;
    });
    await page.getByText(`process ${next.pid}`, { exact: true }).waitFor();
    expect(next.lastFailure).toBe('SIGKILL');
  });

  test('scales by a button, as far as the server may', async () => {
    const watched = await open();
    const { page } = watched;
    await page.getByRole('button', { name: 'Scale …' }).click();
    const workers = page.getByLabel('Workers', { exact: true });
    expect([await workers.inputValue(), await workers.getAttribute('max')]).toEqual(['2', '3']);
    await workers.fill('3');
    await page.getByRole('button', { name: 'Scale', exact: true }).click();
    await page.getByText('Scaled. Workers: 3, task workers: 1.').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await tile(watched, 'worker 2').waitFor();
    expect((await dashboard.server.process('worker:2')).state).toBe('ready');
  });

  test('goes on by itself when the admin process was killed, and when it hangs', async () => {
    const watched = await open();
    const { page } = watched;
    const { server } = dashboard;
    const lost = page.getByText('The admin process does not answer');
    for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
      await tile(watched, 'worker 0').waitFor();
      const { pid } = await server.process('admin');
      process.kill(pid, signal);
      await lost.waitFor();
      if (signal === 'SIGSTOP') process.kill(pid, 'SIGCONT');
      await lost.waitFor({ state: 'detached' });
      // And what comes is of now.
      const client = await TestClient.connect(await server.port());
      await untilFigure(watched, 'Connections', '1');
      client.close();
      await untilFigure(watched, 'Connections', '0');
    }
    expect(watched.complaints.filter((text) => !/ERR_|network/i.test(text))).toEqual([]);
  });

  test('has charts of what was before it was opened, and their numbers as tables', async () => {
    await until('some history', async () => (await dashboard.server.get('/v1/history')).body.at.length > 3);
    const { page } = await open();
    const charts = page.getByRole('figure');
    await until('the charts', async () => (await charts.count()) === 8);
    for (const chart of await charts.all()) {
      await chart.getByText('Numbers').click();
      await until('the minutes', async () => (await chart.getByRole('row').count()) > 1);
    }
    const memory = page.getByRole('figure', { name: 'Memory' });
    expect(await memory.getByRole('row').nth(1).innerText()).toMatch(/^\d\d:\d\d\t\d+ MiB$/);
    // More than the sample of the moment: what the admin process has kept.
    const samples = await page.evaluate(
      `fetch('/v1/history', { headers: { authorization: 'Bearer ${TOKEN}' } }).then(async (answer) => (await answer.json()).at.length)`,
    );
    expect(samples).toBeGreaterThan(3);
  });
});
