import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));

/** All words of the published sources. */
function wordsOfSources(): Set<string> {
  const words = new Set<string>();
  const homes = readdirSync(join(TOP, 'packages')).map((name) => join(TOP, 'packages', name, 'src'));
  for (const home of [...homes, join(TOP, 'apps/server/src')]) {
    for (const file of readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    )) {
      for (const [word] of readFileSync(join(home, file), 'utf8').matchAll(/[A-Za-z_]\w*/g)) words.add(word);
    }
  }
  return words;
}

const page = readFileSync(join(TOP, 'docs/glossary.md'), 'utf8');

test('every name of code in the glossary is in the sources', () => {
  const names = [...page.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
  const words = wordsOfSources();
  expect(names.filter((name) => !words.has(name))).toEqual([]);
  expect(names.length).toBeGreaterThan(100);
});

test('the glossary has one line a term, and each term once', () => {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const terms = lines.flatMap((line) => /^- \*\*(.+?)\*\*: /.exec(line)?.[1] ?? []);
  // What is no term is the head of the page.
  expect(lines.length - terms.length).toBe(2);
  expect(new Set(terms).size).toBe(terms.length);
});

test('each answer of "Where to look" is in a file that the row leads to', () => {
  const [, part = ''] = readFileSync(join(TOP, 'CONTRIBUTING.md'), 'utf8').split('## Where to look\n');
  const rows = (part.split('\n## ')[0] ?? '').split('\n').filter((line) => /^\| .*\?/.test(line));
  for (const row of rows) {
    const [, , files = '', names = ''] = row.split(/(?<!\\)\|/);
    const sources = [...files.matchAll(/\]\(([^)]+\.ts)\)/g)].map(([, file = '']) =>
      readFileSync(join(TOP, file), 'utf8'),
    );
    const named = [...names.matchAll(/`([^`]+)`/g)];
    expect(named.length, row).toBeGreaterThan(0);
    for (const [, name = ''] of named)
      expect(
        sources.some((source) => source.includes(name)),
        `${name} of ${row}`,
      ).toBe(true);
  }
  expect(rows.length).toBeGreaterThanOrEqual(10);
});

test.each(['docs/architecture.md', 'CONTRIBUTING.md'])('each file that %s names is there', (name) => {
  const text = readFileSync(join(TOP, name), 'utf8');
  const files = [...text.matchAll(/`((?:[a-z-]+\/)+[a-z-]+\.ts)`/g)].map(([, file = '']) => file);
  // A path in a list of files of one package begins below the source folder that the line names.
  const homes = [
    '',
    'apps/server/src',
    ...readdirSync(join(TOP, 'packages')).map((at) => `packages/${at}/src`),
  ];
  expect(files.filter((file) => !homes.some((home) => existsSync(join(TOP, home, file))))).toEqual([]);
  expect(files.length).toBeGreaterThan(3);
});
