import type { TestProject } from 'vitest/node';
import { whyStale } from './build-record.js';

/** Looked at once in a run, however many projects a package's tests have. */
let looked = false;

/**
 * A global set-up of vitest: ends the run before its first test when the build is not of the sources that are there now.
 * Tests import sources, and start programs of `dist` and `dist-test`; those would be the old ones.
 */
export function setup(project: TestProject): void {
  if (looked) return;
  looked = true;
  endIfStale(project.vitest.config.root);
  // `vitest watch`
  project.onTestsRerun(async () => endIfStale(project.vitest.config.root));
}

function endIfStale(root: string): void {
  const why = whyStale(root);
  if (why === undefined) return;
  console.error(
    `No test is run, for what they would start is not built of these sources. ${why}. Run 'npm run build' at the top.`,
  );
  // Thrown, it would be a line among fifty of vitest's.
  process.exit(1);
}
