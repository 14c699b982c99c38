import type { Outcome } from './outcome.js';

/** What test-sanitizers.ts leaves for count.ts, relative to the repository. */
export const SANITIZERS_FILE = 'packages/native/reports/sanitizers.json';
/** The outcome of a package's tests in the sanitized run, relative to the package. */
export const SANITIZED_OUTCOME_FILE = 'reports/sanitized.json';

/** The files of its failures begin with the package. What passed is counted from the tests without sanitizers. */
export type SanitizersOutcome = Pick<Outcome, 'failures' | 'flaky'>;
