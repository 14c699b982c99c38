import { until } from '@millrace/testkit';
import { openBrowser, WatchedPage } from '@millrace/testkit/browser';
import { AdminServer } from '../admin/admin-client.js';

export const TOKEN = 'a-token-of-24-characters';

type Browser = Awaited<ReturnType<typeof openBrowser>>;
type Options = Parameters<typeof WatchedPage.open>[1];

/** A server with a port for browsers, and a browser. */
export class Dashboard implements AsyncDisposable {
  readonly server: AdminServer;
  readonly browser: Browser;
  readonly url: string;

  private constructor(server: AdminServer, browser: Browser, url: string) {
    this.server = server;
    this.browser = browser;
    this.url = url;
  }

  static async started(options: ConstructorParameters<typeof AdminServer>[0] = {}): Promise<Dashboard> {
    const server = await AdminServer.started(
      { taskWorkerNum: 1, admin: { name: 'test', port: 0 }, ...options },
      { MILLRACE_ADMIN_TOKEN: TOKEN },
    );
    try {
      const { adminAddress } = (await server.get('/v1/status')).body;
      return new Dashboard(server, await openBrowser(), `http://127.0.0.1:${adminAddress.port}/`);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A page in a tab of its own, which has shown the token. */
  async open(path = '', options: Options = {}): Promise<WatchedPage> {
    const watched = await WatchedPage.open(this.browser, options);
    await watched.page.goto(`${this.url}${path}`);
    await enter(watched);
    return watched;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await this.server[Symbol.asyncDispose]();
  }
}

export async function enter({ page }: WatchedPage, token = TOKEN): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Enter' }).click();
}

/** The number that the page shows as `label`, among those of this second. */
export async function figure({ page }: WatchedPage, label: string): Promise<string> {
  const text = await page
    .getByRole('region', { name: 'Right now' })
    .locator('.facts > div', { has: page.locator('dt', { hasText: new RegExp(`^${label}$`) }) })
    .locator('dd')
    .innerText();
  return text.split('\n')[0] as string;
}

export const untilFigure = (watched: WatchedPage, label: string, value: string) =>
  until(`${label} are ${value}`, async () => (await figure(watched, label)) === value);
