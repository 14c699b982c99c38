import type { Result } from './run-test.js';
import type { NodeTest } from './sources.js';

/** What became of one test. */
export interface Verdict {
  readonly test: NodeTest;
  readonly native: Result;
  readonly ours?: Result;
  /** Why the test says nothing about captured servers, if it does not. */
  readonly notApplicable: string | undefined;
}

const WORDS = [
  'passed',
  'failed only with ours',
  'failed natively too',
  'failed natively only',
  'skipped natively',
  'not applicable',
] as const;
export type Word = (typeof WORDS)[number];

/** A named reason counts only where it is needed: a test that passes is one that passed. */
export function judge({ native, ours, notApplicable }: Verdict): Word {
  if (native.outcome === 'skipped') return 'skipped natively';
  const nativelyPassed = native.outcome === 'passed';
  if (ours === undefined) return nativelyPassed ? 'passed' : 'failed natively too';
  if (ours.outcome === 'passed') return nativelyPassed ? 'passed' : 'failed natively only';
  if (!nativelyPassed) return 'failed natively too';
  return notApplicable === undefined ? 'failed only with ours' : 'not applicable';
}

/** The whole run as a page. */
export function table(
  verdicts: readonly Verdict[],
  { preload, match }: { readonly preload: string | undefined; readonly match: string },
): string {
  const rows = WORDS.map((word) => {
    const of = verdicts.filter((verdict) => judge(verdict) === word);
    return `| ${word} | ${of.length} | ${of.filter(({ test }) => test.listens).length} |`;
  });
  const named = verdicts
    .filter((verdict) => judge(verdict) !== 'passed')
    .sort(({ test }, { test: other }) => test.name.localeCompare(other.name))
    .map((verdict) => {
      const { notApplicable, native, ours } = verdict;
      const reason = notApplicable ?? (ours ?? native).reason;
      return `| ${verdict.test.name} | ${judge(verdict)} | ${cell(reason)} |`;
    });
  return [
    `Node ${process.versions.node}, \`${match}\`, ${preload === undefined ? 'natively' : `with \`${preload}\``}: ${verdicts.length} tests.`,
    '',
    '| outcome | tests | of them with a server |',
    '|---|---|---|',
    ...rows,
    '',
    '| test | outcome | reason |',
    '|---|---|---|',
    ...named,
    '',
  ].join('\n');
}

function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/\|/g, '\\|').replace(/</g, '&lt;');
}
