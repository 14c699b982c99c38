/** What the run of one package's tests came to: `OutcomeReporter` writes it, and count.ts adds them up. */
export interface Outcome {
  readonly passed: number;
  readonly skipped: number;
  /** Failed tests, and each hook, file or error outside of any test that kept tests from being run. */
  readonly failures: readonly Failure[];
  /** Tests that failed, and passed when they were run again. They are among the passed. */
  readonly flaky: readonly Failure[];
}

export interface Failure {
  /** Relative to the package, with the project in front where the package has several. */
  readonly file: string;
  readonly test: string;
  /** The first line of the first error. */
  readonly message: string;
}

/** Relative to the package. A second run of the same tests is given another name, to leave the first one's outcome there. */
export const OUTCOME_FILE = 'reports/outcome.json';
export const OUTCOME_FILE_VARIABLE = 'MILLRACE_TEST_OUTCOME';
