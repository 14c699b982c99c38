/**
 * Runs one file of ws's own tests by the mocha beside them: `node run-file.js DIRECTORY FILE RESULTS`, or as the program of a server, whose
 * worker it is then. What became of each test is in RESULTS when all are through.
 */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TestResult } from './table.js';

/** For one test: ws's own limit of 2 s is for a machine that has nothing else to do. */
const LIMIT_MS = 20_000;

interface Test {
  readonly err?: { readonly message?: string };
  fullTitle(): string;
}

interface Mocha {
  addFile(file: string): void;
  run(done: () => void): {
    on(event: 'pass' | 'fail' | 'pending', listener: (test: Test, error?: Error) => void): void;
  };
}

const [directory, file, results] = process.argv.slice(2) as [string, string, string];
const MochaOfTests = createRequire(join(directory, 'package.json'))('mocha') as new (
  options: object,
) => Mocha;
// A worker that takes the place of one that has ended: what that had done is not done twice.
const isSecond = existsSync(`${results}.begun`);
if (!isSecond) {
  writeFileSync(`${results}.begun`, '');
  const mocha = new MochaOfTests({ timeout: LIMIT_MS, reporter: class {} });
  mocha.addFile(join(directory, 'test', file));
  const found: TestResult[] = [];
  const note = (test: Test, outcome: TestResult['outcome'], reason = '') =>
    found.push({ file, title: test.fullTitle(), outcome, reason });
  const run = mocha.run(() => {
    writeFileSync(`${results}.part`, JSON.stringify(found));
    renameSync(`${results}.part`, results);
  });
  run.on('pass', (test) => note(test, 'passed'));
  run.on('pending', (test) => note(test, 'skipped'));
  run.on('fail', (test, error) => note(test, 'failed', error?.message));
}
