/** What became of one test in one way to run it. */
export interface TestResult {
  readonly file: string;
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly reason: string;
}

export const NATIVELY = 'natively';

const counts = (results: readonly TestResult[]): string => {
  const passed = results.filter(({ outcome }) => outcome === 'passed').length;
  const run = results.filter(({ outcome }) => outcome !== 'skipped').length;
  return `${passed} of ${run}`;
};

/** Tests that have failed in some way where they passed natively. */
export function failures(ways: ReadonlyMap<string, readonly TestResult[]>): [way: string, TestResult][] {
  const native = ways.get(NATIVELY) ?? [];
  const passes = new Set(native.filter(({ outcome }) => outcome === 'passed').map(nameOf));
  return [...ways].flatMap(([way, results]) => {
    const found = new Set(results.map(nameOf));
    const missing = native
      .filter((each) => passes.has(nameOf(each)) && !found.has(nameOf(each)))
      .map((each): TestResult => ({ ...each, outcome: 'failed', reason: 'not run to its end' }));
    return [
      ...results.filter((each) => each.outcome === 'failed' && passes.has(nameOf(each))),
      ...missing,
    ].map((each): [string, TestResult] => [way, each]);
  });
}

const nameOf = ({ file, title }: TestResult): string => `${file} ${title}`;

/** The whole run as a page. `reasons`: why a test, by its title, says nothing about captured servers. */
export function table(
  ways: ReadonlyMap<string, readonly TestResult[]>,
  about: string,
  reasons: Readonly<Record<string, string>>,
): string {
  const files = [...new Set([...ways.values()].flat().map(({ file }) => file))].sort();
  const names = [...ways.keys()];
  const rows = files.map((file) => {
    const of = (way: string) => counts((ways.get(way) ?? []).filter((each) => each.file === file));
    return `| ${file} | ${names.map(of).join(' | ')} |`;
  });
  const failed = failures(ways).map(([way, { file, title, reason }]) => {
    const named = reasons[title];
    return `| ${file}: ${cell(title)} | ${way} | ${named === undefined ? 'failed' : 'not applicable'} | ${cell(named ?? reason)} |`;
  });
  return [
    `${about}: tests that have passed, of those that were run.`,
    '',
    `| file | ${names.join(' | ')} |`,
    `|---|${'---|'.repeat(names.length)}`,
    ...rows,
    '',
    ...(failed.length === 0
      ? ['Each test that passes natively passes in all other ways.']
      : ['| test | run | outcome | reason |', '|---|---|---|---|', ...failed]),
    '',
  ].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').slice(0, 300);
