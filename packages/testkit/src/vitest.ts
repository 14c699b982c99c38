import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { OutcomeReporter } from './outcome-reporter.js';

/** From `dist` also where this file is read from `src`: by this package's own tests. */
const FRESH_BUILD = fileURLToPath(new URL('../dist/fresh-build.js', import.meta.url));

/**
 * The vitest configuration that every package uses: tests in `test/`, one report that `.ci/run` counts.
 *
 * Files run one after another: tests start real processes, and the machines that run them are small. The time-outs
 * are watchdogs against a hang, far beyond what any test takes. `.ci/run` sets `CI`: there a failed test is run once more,
 * for a small machine can stand still in the middle of one; `.ci/run` lists each that passes only then.
 */
export function packageTests(): ViteUserConfig {
  return defineConfig({
    test: {
      include: ['test/**/*.test.ts'],
      globalSetup: [FRESH_BUILD],
      fileParallelism: false,
      pool: 'forks',
      testTimeout: 60_000,
      hookTimeout: 60_000,
      retry: process.env.CI === undefined ? 0 : 1,
      reporters: ['default', new OutcomeReporter()],
    },
  });
}
