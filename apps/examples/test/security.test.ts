import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));

/** The tests that SECURITY.md names, each with the file that was linked last before it. */
function namedTests(): [file: string, name: string][] {
  const found: [string, string][] = [];
  let file: string | undefined;
  const page = readFileSync(join(TOP, 'SECURITY.md'), 'utf8');
  for (const [, link, name] of page.matchAll(/\]\(([^)#]+\.test\.ts)\)|"([^"]+)"/g)) {
    if (link !== undefined) file = link;
    else if (name !== undefined && file !== undefined) found.push([file, name.replace(/\s+/g, ' ')]);
  }
  return found;
}

test('SECURITY.md names enough tests for this one to mean something', () => {
  expect(namedTests().length).toBeGreaterThan(30);
});

test.each(namedTests())('SECURITY.md: %s has a test "%s"', (file, name) => {
  expect(readFileSync(join(TOP, file), 'utf8')).toContain(name);
});
