import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionPages } from '@millrace/testkit/option-pages';
import { expect, test } from 'vitest';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));

test.each([...optionPages(TOP)])(
  '%s has the options that there are (`npm run docs:options` mends it)',
  (path, page) => {
    expect(readFileSync(join(TOP, path), 'utf8')).toBe(page);
  },
);
