/**
 * Adds up what the test runners of all packages have reported, names what failed and what passed only when it was run
 * again, and prints `N passed, N failed` last. Ends with 1 when something failed, a suite could not be run, or a package
 * that has tests has no report.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Failure, OUTCOME_FILE, type Outcome } from './outcome.js';
import { SANITIZERS_FILE, type SanitizersOutcome } from './sanitizers-outcome.js';

/** What is named of each kind: a machine on which everything fails still gives a log that can be read. */
const MOST_NAMED = 50;

const top = process.cwd();
const failures: string[] = [];
const flaky: string[] = [];
let passed = 0;
let skipped = 0;
for (const group of ['packages', 'apps']) {
  for (const name of readdirSync(join(top, group))) {
    const directory = join(top, group, name);
    if (!existsSync(join(directory, 'vitest.config.ts'))) continue;
    const named = `${group}/${name}`;
    const outcome = read<Outcome>(join(directory, OUTCOME_FILE));
    if (outcome === undefined) {
      if (hasTests(directory)) failures.push(`${named}: it has tests, and no report of them`);
      continue;
    }
    passed += outcome.passed;
    skipped += outcome.skipped;
    failures.push(...outcome.failures.map((failure) => line(named, failure)));
    flaky.push(...outcome.flaky.map((failure) => line(named, failure)));
  }
}
const sanitizers = read<SanitizersOutcome>(join(top, SANITIZERS_FILE));
failures.push(...(sanitizers?.failures ?? []).map((failure) => line('with sanitizers', failure)));
flaky.push(...(sanitizers?.flaky ?? []).map((failure) => line('with sanitizers', failure)));

print('passed only when run again', flaky);
print('failed', failures);
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;

function line(named: string, { file, test, message }: Failure): string {
  const where = file === '' ? named : `${named} ${file}`;
  return `${where}: ${test}: ${message}`;
}

function print(what: string, lines: readonly string[]): void {
  for (const text of lines.slice(0, MOST_NAMED)) console.log(`${what}: ${text}`);
  if (lines.length > MOST_NAMED) console.log(`${what}: and ${lines.length - MOST_NAMED} more`);
}

function read<T>(file: string): T | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
}

function hasTests(directory: string): boolean {
  const tests = join(directory, 'test');
  return (
    existsSync(tests) &&
    readdirSync(tests, { recursive: true }).some((file) => String(file).endsWith('.test.ts'))
  );
}
