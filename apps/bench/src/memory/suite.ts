import type { Suite } from '../suites.js';
import { lockCases } from './locks.js';
import { segmentCases } from './segments.js';
import { tableCases } from './table.js';

/** Each module of cases brings its packages, groups and notes. */
const CASES = [segmentCases, lockCases, tableCases];

export const suite: Suite = {
  packages: [...new Set(CASES.flatMap(({ packages }) => packages))],
  groups: (options) => CASES.flatMap(({ groups }) => groups(options)),
  notes: CASES.flatMap(({ notes }) => notes),
};
