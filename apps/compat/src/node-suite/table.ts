import type { Result } from './run-test.js';
import type { NodeTest } from './sources.js';

/** What became of one test. */
export interface Verdict {
  readonly test: NodeTest;
  readonly native: Result;
  /** By the way that it was run in. */
  readonly ours: ReadonlyMap<string, Result>;
  /** Why the test says nothing about captured servers, if it does not. */
  readonly notApplicable: string | undefined;
}

export const NATIVELY = 'natively';
const WORDS = ['passed', 'failed', 'not applicable', 'failed natively', 'skipped natively'] as const;
export type Word = (typeof WORDS)[number];

/** A named reason counts only where it is needed: a test that passes is one that passed. */
export function judge({ native, ours, notApplicable }: Verdict, way: string): Word {
  if (native.outcome === 'skipped') return 'skipped natively';
  if (native.outcome !== 'passed') return 'failed natively';
  if ((ours.get(way) ?? native).outcome === 'passed') return 'passed';
  return notApplicable === undefined ? 'failed' : 'not applicable';
}

/** Of one test: the way, what became of it there, and why. */
export function failures(verdict: Verdict): [way: string, word: Word, reason: string][] {
  const { native, ours, notApplicable } = verdict;
  if (native.outcome !== 'passed') return [[NATIVELY, judge(verdict, NATIVELY), native.reason]];
  return [...ours]
    .map(([way, { reason }]): [string, Word, string] => [way, judge(verdict, way), notApplicable ?? reason])
    .filter(([, word]) => word !== 'passed');
}

/** The whole run as a page. */
export function table(verdicts: readonly Verdict[], ways: readonly string[], match: string): string {
  const all = [NATIVELY, ...ways];
  const listening = verdicts.filter(({ test }) => test.listens);
  const counts = WORDS.map((word) => {
    const of = (some: readonly Verdict[], way: string) =>
      some.filter((each) => judge(each, way) === word).length;
    return `| ${word} | ${all.map((way) => `${of(verdicts, way)} (${of(listening, way)})`).join(' | ')} |`;
  });
  const named = verdicts
    .toSorted(({ test }, { test: other }) => test.name.localeCompare(other.name))
    .flatMap((verdict) =>
      failures(verdict).map(
        ([way, word, reason]) => `| ${verdict.test.name} | ${way} | ${word} | ${cell(reason)} |`,
      ),
    );
  return [
    `Node ${process.versions.node}, \`${match}\`: ${verdicts.length} tests; in brackets: of them those with a server.`,
    '',
    `| outcome | ${all.join(' | ')} |`,
    `|---|${'---|'.repeat(all.length)}`,
    ...counts,
    '',
    '| test | run | outcome | reason |',
    '|---|---|---|---|',
    ...named,
    '',
  ].join('\n');
}

function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/\|/g, '\\|').replace(/</g, '&lt;');
}
