/**
 * The pictures of the dashboard in the documentation, made by a browser that looks at a server under load while a worker is killed and
 * all are reloaded: `npm run docs:screenshots`. It takes two minutes, so that the charts have something to show.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from '@millrace/testkit';
import { openBrowser, WatchedPage, whyNoBrowser } from '@millrace/testkit/browser';

const PICTURES = fileURLToPath(new URL('../../../../docs/images/', import.meta.url));
const TOKEN = 'a-token-for-the-pictures';
const CLIENTS = 120;
const LOAD_MS = 100_000;
/** As far as whole charts go: what is cut off costs as much. */
const SCREEN = { width: 1280, height: 776 };
const LINE = 'the quick brown fox jumps over the lazy dog\n';

const reason = whyNoBrowser();
if (reason !== undefined) throw new Error(reason);
mkdirSync(PICTURES, { recursive: true });
const directory = mkdtempSync(join(tmpdir(), 'millrace-pictures-'));
const program = new Program(new URL('./shop.js', import.meta.url), {
  env: { MILLRACE_RUNTIME_DIR: join(directory, 'run'), MILLRACE_ADMIN_TOKEN: TOKEN },
});
const browser = await openBrowser();
try {
  const [, port] = await program.printed(/^listening on (\d+)/m);
  const [, url = ''] = await program.printed(/(http:\/\/127\.0\.0\.1:\d+\/)/);
  const stop = putUnderLoad(Number(port));
  await sleep(LOAD_MS);
  const light = await open(url, { viewport: SCREEN, colorScheme: 'light' });
  const dark = await open(url, { viewport: SCREEN, colorScheme: 'dark' });
  await order(url, '/v1/processes/worker:2/kill', { signal: 'SIGKILL' });
  await sleep(4_000);
  await order(url, '/v1/reload', { tasksOnly: true });
  await sleep(3_000);
  await shoot(light, 'dashboard-light');
  await shoot(dark, 'dashboard-dark');
  await light.page.goto(`${url}#/process/worker:1`);
  await sleep(3_000);
  await shoot(light, 'dashboard-process');
  const phone = await open(url, {
    viewport: { width: 360, height: 760 },
    colorScheme: 'light',
    isMobile: true,
  });
  await sleep(3_000);
  await shoot(phone, 'dashboard-phone');
  stop();
} finally {
  await browser.close();
  await program[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
}

async function open(url: string, options: Parameters<typeof WatchedPage.open>[1]): Promise<WatchedPage> {
  const watched = await WatchedPage.open(browser, options);
  await watched.page.goto(url);
  await watched.page.getByLabel('Token').fill(TOKEN);
  await watched.page.keyboard.press('Enter');
  await watched.page.locator('canvas').first().waitFor();
  return watched;
}

async function shoot({ page }: WatchedPage, name: string): Promise<void> {
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
  console.log(`docs/images/${name}.png`);
}

async function order(url: string, path: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  await (await fetch(new URL(path, url), { method: 'POST', headers, body: JSON.stringify(body) })).text();
}

/** Clients that come, ask in waves, and stay. Returns what ends that. */
function putUnderLoad(port: number): () => void {
  const clients: Socket[] = [];
  let turn = 0;
  const timer = setInterval(() => {
    turn++;
    if (clients.length < CLIENTS && turn % 5 === 0) {
      const client = connect(port, '127.0.0.1').resume();
      // The server is stopped with clients on it.
      client.on('error', () => {});
      clients.push(client);
    }
    const wave = 6 + 5 * Math.sin(turn / 130) + 3 * Math.sin(turn / 37) + Math.random() * 3;
    for (let asked = 0; asked < wave; asked++) clients[(turn * 7 + asked) % clients.length]?.write(LINE);
  }, 25);
  return () => clearInterval(timer);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
