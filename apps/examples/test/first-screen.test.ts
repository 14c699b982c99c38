import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { PAGES, shownIn } from '../src/first-screen/pages.js';

const SCRIPT = fileURLToPath(new URL('../dist/first-screen/main.js', import.meta.url));

/** Numbers, and the room that they take, are each run's own. */
const withoutNumbers = (text: string) => text.replace(/\d[\d,]*/g, 'N').replace(/[ \t]+/g, ' ');

test('the READMEs show what the script of the first screen writes, and no client loses its connection', () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [SCRIPT], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status, stdout).toBe(0);
  for (const page of PAGES)
    expect(withoutNumbers(shownIn(page)), page).toBe(withoutNumbers(stdout.trimEnd()));
}, 180_000);
