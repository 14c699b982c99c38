import { until } from '@millrace/testkit';
import { openBrowser, WatchedPage, whyNoBrowser } from '@millrace/testkit/browser';
import { expect, test } from 'vitest';
import { Crowd } from './crowd.js';
import { enter, figure, TOKEN } from './dashboard-page.js';

/** Milliseconds of processor time for which a page may stand still: more of them are seen as a stutter. */
const LIMIT_MS = 100;
/** Statuses that it is watched for, one a second. */
const SECONDS = 8;

test.skipIf(whyNoBrowser() !== undefined)(
  'shows 100 processes and 10,000 connections without a stutter, while one process after another is replaced',
  async () => {
    using crowd = new Crowd(96, 10_000, TOKEN);
    const url = await crowd.listen();
    const browser = await openBrowser();
    try {
      const watched = await WatchedPage.open(browser);
      await watched.page.goto(url);
      await enter(watched);
      await until('all tiles', async () => (await watched.page.locator('.tile').count()) === 97);
      expect(await figure(watched, 'Connections')).toBe('10,000');
      // The first pictures of all charts are drawn by now.
      await until('all charts', async () => (await watched.page.locator('canvas').count()) === 8);
      const slow = await watched.slowTasks(LIMIT_MS, async () => {
        for (let second = 0; second < SECONDS; second++) {
          crowd.replace(`worker:${second * 7}`);
          // It is told with the next status.
          await watched.page
            .locator('.happenings li', { hasText: `worker ${second * 7} has failed` })
            .waitFor();
        }
      });
      expect(slow).toEqual([]);
      await watched.close();
    } finally {
      await browser.close();
    }
  },
);
