import { TestClient, until } from '@millrace/testkit';
import { type WatchedPage, whyNoBrowser } from '@millrace/testkit/browser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dashboard } from './dashboard-page.js';

const PATHS = [
  '',
  '#/processes',
  '#/process/worker:0',
  '#/listeners',
  '#/listener/0',
  '#/tasks',
  '#/tables',
  '#/log',
  '#/nothing',
];
const PHONE = { width: 360, height: 740 };

describe.skipIf(whyNoBrowser() !== undefined)('the dashboard is for everybody', () => {
  let dashboard: Dashboard;
  let client: TestClient;
  beforeAll(async () => {
    dashboard = await Dashboard.started();
    client = await TestClient.connect(await dashboard.server.port());
  });
  afterAll(async () => {
    client?.close();
    await dashboard?.[Symbol.asyncDispose]();
  });

  /** Goes there as a person would, within the page. */
  async function go({ page }: WatchedPage, path: string): Promise<void> {
    await page.evaluate(`location.hash = '${path}'`);
    await page.getByRole('main').locator('h1, .empty').first().waitFor();
  }

  test('asks nothing of any other host, and breaks no rule of its own policy, on any page', async () => {
    const watched = await dashboard.open();
    for (const path of PATHS) await go(watched, path);
    await go(watched, '');
    await until('a chart', async () => (await watched.page.locator('canvas').count()) > 0);
    expect(watched.complaints).toEqual([]);
    expect(watched.requests.length).toBeGreaterThan(5);
    expect(watched.requests.filter((url) => !url.startsWith(dashboard.url))).toEqual([]);
    // The policy is in force: what breaks it is noted, and does nothing.
    const { page, complaints } = watched;
    await page.evaluate(
      `document.body.append(Object.assign(new Image(), { src: 'https://elsewhere.example/a.png' }))`,
    );
    await page.evaluate(`document.body.setAttribute('style', 'color: red')`);
    for (const directive of ['img-src', 'style-src'])
      await until(`a complaint by ${directive}`, () => complaints.some((text) => text.includes(directive)));
    const markup = page.evaluate(`document.body.innerHTML = '<p>'`);
    await expect(markup).rejects.toThrow('TrustedHTML');
    await watched.close();
  });

  for (const colorScheme of ['light', 'dark'] as const)
    test(`has nothing serious against it in axe, in ${colorScheme} colours`, async () => {
      const watched = await dashboard.open('', { colorScheme, reducedMotion: 'reduce' });
      const { page } = watched;
      const complaints: string[] = [];
      for (const path of PATHS) {
        await go(watched, path);
        for (const each of await watched.accessibilityComplaints()) complaints.push(`${path} ${each}`);
      }
      await go(watched, '');
      await page.getByRole('button', { name: 'Reload …' }).click();
      for (const each of await watched.accessibilityComplaints()) complaints.push(`dialog ${each}`);
      expect(complaints).toEqual([]);
      await watched.close();
    });

  test('is light or dark as the system is, or as its button says', async () => {
    const watched = await dashboard.open('', { colorScheme: 'dark' });
    const { page } = watched;
    const ground = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
    const button = page.getByRole('button', { name: /^Colours/ });
    await button.waitFor();
    const dark = await ground();
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await ground();
    expect(light).not.toBe(dark);
    await button.click();
    await button.click();
    expect(await button.innerText()).toContain('dark');
    expect(await ground()).toBe(dark);
    await page.reload();
    await button.waitFor();
    expect(await ground()).toBe(dark);
    await watched.close();
  });

  test('is used by the keyboard alone', async () => {
    const watched = await dashboard.open();
    const { page } = watched;
    await page.getByRole('button', { name: 'Reload …' }).waitFor();
    const focused = () =>
      page.evaluate<string>(
        `document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText`,
      );
    const tabTo = async (what: RegExp) => {
      for (let steps = 0; steps < 80; steps++) {
        await page.keyboard.press('Tab');
        if (what.test((await focused()) ?? '')) return;
      }
      throw new Error(`No Tab leads to ${what}`);
    };
    await page.evaluate('document.activeElement.blur()');
    await page.keyboard.press('Tab');
    expect(await focused()).toContain('To the content');
    await page.keyboard.press('Enter');
    await tabTo(/^Reload/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await until('the dialog to close', async () => (await page.getByRole('dialog').count()) === 0);
    expect(await focused()).toMatch(/^Reload/);
    await tabTo(/^worker 1, ready/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'worker 1' }).waitFor();
    await until('the focus on the heading', async () => (await focused()) === 'worker 1');
    await watched.close();
  });

  test('fits on a telephone: no page is wider than the screen', async () => {
    const watched = await dashboard.open('', { viewport: PHONE, isMobile: true, hasTouch: true });
    const { page } = watched;
    for (const path of PATHS) {
      await go(watched, path);
      const width = await page.evaluate('document.documentElement.scrollWidth');
      expect([path, width]).toEqual([path, PHONE.width]);
    }
    await go(watched, '');
    await page.getByRole('button', { name: 'Scale …' }).tap();
    const box = await page.getByRole('dialog').boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(PHONE.width);
    await watched.close();
  });
});
