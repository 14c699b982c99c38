import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The top of the repository. */
const TOP = fileURLToPath(new URL('../../../', import.meta.url));
/** What is built, installed or measured, and no page of ours. */
const NOT_OURS = new Set([
  'node_modules',
  'dist',
  'dist-test',
  'reports',
  '.git',
  '.turbo',
  'build',
  'prebuilds',
]);

function pages(directory = TOP): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : pages(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const textOf = (page: string) => readFileSync(page, 'utf8').replace(/^```[\s\S]*?^```/gm, '');

/** The anchors that a page has on GitHub: those of its headings. */
function anchorsOf(page: string): Set<string> {
  const headings = [...textOf(page).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/ /g, '-'),
    ),
  );
}

test('every link between pages leads to a file, and to a heading, that there is', () => {
  const dead: string[] = [];
  let followed = 0;
  for (const page of pages()) {
    for (const [, link = ''] of textOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      followed++;
      const [path, anchor] = link.split('#');
      const target = path ? join(dirname(page), path) : page;
      const isThere = existsSync(target) && (anchor === undefined || anchorsOf(target).has(anchor));
      if (!isThere) dead.push(`${relative(TOP, page)}: ${link}`);
    }
  }
  expect(dead).toEqual([]);
  expect(followed).toBeGreaterThan(100);
});

/** The pages of decisions that a part of their README leads to, in its order. */
function decisionsIn(part: string): string[] {
  const list = readFileSync(join(TOP, 'docs/decisions/README.md'), 'utf8');
  const [, text = ''] = list.split(`## ${part}\n`);
  const [own = ''] = text.split('\n## ');
  return [...own.matchAll(/\]\((\d{4}-[^)]*)\)/g)].map(([, file = '']) => file);
}

const decisions = readdirSync(join(TOP, 'docs/decisions')).filter((file) => /^\d{4}-/.test(file));

test('the list of decisions has each of them once, and so does a topic at least', () => {
  expect(decisionsIn('By number')).toEqual(decisions.sort());
  expect([...new Set(decisionsIn('By topic'))].sort()).toEqual(decisions.sort());
});

test.each(decisions)('decision %s says whether it is accepted, superseded or withdrawn', (file) => {
  const [, empty, status] = readFileSync(join(TOP, 'docs/decisions', file), 'utf8').split('\n');
  expect(empty).toBe('');
  expect(status).toMatch(/^\*Status: (accepted[.;]|superseded by \[.+\]\(\d{4}-.+\.md\)|withdrawn\.)/);
});
