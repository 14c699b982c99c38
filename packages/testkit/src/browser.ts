import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Debian's, which `.ci/run` installs; another one by the variable. */
const CHROMIUM = process.env.MILLRACE_CHROMIUM ?? '/usr/bin/chromium';

/** Why no page can be looked at here; undefined where one can, and in CI, where it has to be. */
export function whyNoBrowser(): string | undefined {
  if (process.env.CI !== undefined || existsSync(CHROMIUM)) return undefined;
  return `Chromium is missing (apt-get install chromium, or MILLRACE_CHROMIUM with its path): ${CHROMIUM}`;
}

/** What Chromium calls one turn of a thread in its traces. */
const TASK = 'ThreadControllerImpl::RunTask';

/** Of the format of traces, what is read here; `tdur` is processor time in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** A real browser, without a window. To be closed. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    // Its sandbox takes rights that root in a container has not; it opens pages of our own alone.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
}

/** What a browser has noted against a page, and what the page has asked for. */
export class WatchedPage {
  readonly page: Page;
  /** Of the console: errors and warnings; and what was thrown. A status of an answer is not among them. */
  readonly complaints: string[] = [];
  /** Addresses of all requests. */
  readonly requests: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => {
      const isStatus = message.text().startsWith('Failed to load resource: the server responded');
      if (['error', 'warning'].includes(message.type()) && !isStatus) this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error.stack)));
    page.on('request', (request) => this.requests.push(request.url()));
  }

  /** In a context of its own: it shares no storage with another one. */
  static async open(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
    const context = await browser.newContext(options);
    return new WatchedPage(await context.newPage());
  }

  /**
   * Milliseconds of processor time of each task beyond `limit` that kept a page from drawing while `watch` ran. Time in which others had the
   * processor is not in it, so that a busy machine makes no page slow.
   */
  async slowTasks(limit: number, watch: () => Promise<void>): Promise<number[]> {
    const browser = this.page.context().browser();
    if (browser === null) throw new Error('The page is of no browser that can be traced.');
    await browser.startTracing(this.page, { categories: ['toplevel'] });
    let events: readonly TraceEvent[] = [];
    try {
      await watch();
    } finally {
      events = (JSON.parse(String(await browser.stopTracing())) as { traceEvents: TraceEvent[] }).traceEvents;
    }
    const drawing = new Set(
      events
        .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
        .map(threadOf),
    );
    const tasks = events.filter((event) => event.name === TASK && drawing.has(threadOf(event)));
    if (tasks.length === 0) throw new Error(`The browser's trace has no ${TASK} of a page.`);
    return tasks.map(({ tdur = 0 }) => Math.round(tdur / 1000)).filter((ms) => ms > limit);
  }

  /** What axe has against the page as it is, from 'serious' on, one line each; nothing when all may use it. */
  async accessibilityComplaints(): Promise<string[]> {
    await this.page.evaluate(axeSource());
    return this.page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
      interface Violation {
        readonly id: string;
        readonly impact: string;
        readonly help: string;
        readonly nodes: readonly { readonly html: string }[];
      }
      const { violations } = await axe.run();
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(
          ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`,
        );
    });
  }

  close(): Promise<void> {
    return this.page.context().close();
  }
}

function axeSource(): string {
  const require = createRequire(import.meta.url);
  return readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
}

function threadOf({ pid, tid }: TraceEvent): string {
  return `${pid}:${tid}`;
}
