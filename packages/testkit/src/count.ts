/**
 * Adds up what the test runners of all packages have reported, and prints `N passed, N failed`. Ends with 1 when
 * something failed, a suite could not be run, or a package that has tests has no report.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: unknown[];
  }[];
}

const top = process.cwd();
let passed = 0;
let failed = 0;
let skipped = 0;
for (const group of ['packages', 'apps']) {
  for (const name of readdirSync(join(top, group))) {
    const directory = join(top, group, name);
    if (!existsSync(join(directory, 'vitest.config.ts'))) continue;
    const file = join(directory, 'reports/vitest.json');
    if (!existsSync(file)) {
      if (!hasTests(directory)) continue;
      console.error(`${group}/${name} has tests, and no report of them`);
      failed++;
      continue;
    }
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    passed += report.numPassedTests;
    failed += report.numFailedTests;
    skipped += report.numPendingTests;
    for (const { name: suite, status, assertionResults } of report.testResults) {
      if (status !== 'failed' || assertionResults.length > 0) continue;
      console.error(`${suite} could not be run`);
      failed++;
    }
  }
}
const sanitizers = join(top, 'packages/native/reports/sanitizers.json');
if (existsSync(sanitizers))
  failed += (JSON.parse(readFileSync(sanitizers, 'utf8')) as { readonly failed: number }).failed;
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

function hasTests(directory: string): boolean {
  const tests = join(directory, 'test');
  return (
    existsSync(tests) &&
    readdirSync(tests, { recursive: true }).some((file) => String(file).endsWith('.test.ts'))
  );
}
