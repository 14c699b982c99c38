import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Pages that show the first screen, below the top of the repository. */
export const PAGES = ['README.md', 'apps/cli/README.md'] as const;

const TOP = new URL('../../../../', import.meta.url);
const SHOWN = /(<!-- first-screen: npm run docs:first-screen -->\n```console\n)([\s\S]*?)(\n```\n)/;

const pathOf = (page: string) => fileURLToPath(new URL(page, TOP));

/** What a page shows. Throws where it shows none. */
export function shownIn(page: string): string {
  const [, , shown] = SHOWN.exec(readFileSync(pathOf(page), 'utf8')) ?? [];
  if (shown === undefined) throw new Error(`${page} has no place for the first screen.`);
  return shown;
}

export function writeIntoPages(text: string): void {
  for (const page of PAGES) {
    shownIn(page);
    const file = pathOf(page);
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(SHOWN, (_all, before, _old, after) => before + text + after),
    );
  }
}
