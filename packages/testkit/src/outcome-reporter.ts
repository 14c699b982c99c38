import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { type Failure, OUTCOME_FILE, OUTCOME_FILE_VARIABLE, type Outcome } from './outcome.js';

/**
 * Writes the outcome of a run as count.ts reads it. vitest's own JSON says neither which tests passed only when they were
 * run again, nor that a hook failed: it reports the tests behind a failed hook as skipped.
 */
export class OutcomeReporter implements Reporter {
  private root = process.cwd();

  onInit(vitest: Vitest): void {
    this.root = vitest.config.root;
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly { readonly message: string }[],
  ): void {
    let passed = 0;
    let skipped = 0;
    const failures: Failure[] = [];
    const flaky: Failure[] = [];
    for (const module of modules) {
      const project = module.project.name;
      const path = relative(this.root, module.moduleId);
      const file = project === '' ? path : `${project} ${path}`;
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        const failure = { file, test: test.fullName, message: firstLine(errors) };
        if (state === 'passed') passed++;
        else if (state === 'skipped') skipped++;
        else failures.push(failure);
        if (test.diagnostic()?.flaky === true) flaky.push(failure);
      }
      for (const suite of [module, ...module.children.allSuites()]) {
        const test = suite.type === 'module' ? '(the file or its hooks)' : `${suite.fullName} (its hooks)`;
        const errors = suite.errors();
        if (errors.length > 0) failures.push({ file, test, message: firstLine(errors) });
      }
    }
    for (const error of unhandledErrors)
      failures.push({ file: '', test: '(outside of any test)', message: firstLine([error]) });
    const outcome: Outcome = { passed, skipped, failures, flaky };
    const output = resolve(this.root, process.env[OUTCOME_FILE_VARIABLE] ?? OUTCOME_FILE);
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, JSON.stringify(outcome, undefined, 2));
  }
}

function firstLine(errors: readonly { readonly message: string }[] | undefined): string {
  const [line = ''] = stripVTControlCharacters(errors?.[0]?.message ?? '').split('\n');
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
