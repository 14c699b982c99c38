// `npm run docs:options`: writes the tables of options into the pages that show them.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionPages } from './option-pages.js';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));

for (const [path, text] of optionPages(TOP)) writeFileSync(join(TOP, path), text);
