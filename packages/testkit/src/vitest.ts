import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { OutcomeReporter } from './outcome-reporter.js';

/** From `dist` also where this file is read from `src`: by this package's own tests. */
const FRESH_BUILD = fileURLToPath(new URL('../dist/fresh-build.js', import.meta.url));

const ALL_TESTS = ['test/**/*.test.ts'];

/** Which tests of a package need no turn of their own. */
export interface PackageTests {
  /** Globs of tests that start no process, open no socket and measure neither time nor memory. They run in parallel. */
  readonly pure: readonly string[];
}

/**
 * The vitest configuration that every package uses: tests in `test/`, one report that `.ci/run` counts.
 *
 * Files run one after another, but for the pure ones: tests start real processes, and the machines that run them are
 * small. The time-outs are watchdogs against a hang, far beyond what any test takes. `.ci/run` sets `CI`: there a failed
 * test is run once more, for a small machine can stand still in the middle of one; `.ci/run` lists each that passes only
 * then.
 */
export function packageTests({ pure }: PackageTests = { pure: [] }): ViteUserConfig {
  const each = {
    include: [...ALL_TESTS],
    fileParallelism: false,
    pool: 'forks' as const,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    retry: process.env.CI === undefined ? 0 : 1,
    globalSetup: [FRESH_BUILD],
  };
  const all = { ...each, reporters: ['default', new OutcomeReporter()] };
  if (pure.length === 0) return defineConfig({ test: all });
  return defineConfig({
    test: {
      ...all,
      projects: [
        // All of them before the first of the others.
        { test: { ...each, ...pureTests(pure) } },
        { test: { ...each, name: 'processes', include: allBut(pure), sequence: { groupOrder: 1 } } },
      ],
    },
  });
}

/** The project of a package's pure tests, in addition to what all its projects have. */
export function pureTests(pure: readonly string[]) {
  return { name: 'pure', include: [...pure], fileParallelism: true, sequence: { groupOrder: 0 } };
}

/** The rest. Not by `exclude`, which `--exclude` of a command line would not add to in a project. */
export function allBut(pure: readonly string[]): string[] {
  return [...ALL_TESTS, ...pure.map((glob) => `!${glob}`)];
}
