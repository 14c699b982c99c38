import { defineConfig, type ViteUserConfig } from 'vitest/config';

/**
 * The vitest configuration that every package uses: tests in `test/`, one report that a machine can count.
 *
 * Files run one after another: tests start real processes, and the machines that run them are small. The time-outs
 * are watchdogs against a hang, far beyond what any test takes.
 */
export function packageTests(): ViteUserConfig {
  return defineConfig({
    test: {
      include: ['test/**/*.test.ts'],
      fileParallelism: false,
      pool: 'forks',
      testTimeout: 60_000,
      hookTimeout: 60_000,
      reporters: ['default', 'json'],
      outputFile: { json: 'reports/vitest.json' },
    },
  });
}
