import { cpus } from 'node:os';
import type { Entry } from '../catalogue.js';

/** What is used here of the report of vitest in JSON. */
export interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

const MODES = ['process', 'base'] as const;

/** How many kinds of requests are answered as by plain node, by program and mode, and which are not. */
export function table({ testResults }: Report, entries: readonly Entry[]): string {
  const all = testResults.flatMap(({ assertionResults }) => assertionResults);
  const of = (name: string, mode: string) =>
    all.filter(({ ancestorTitles, title }) => ancestorTitles[0] === name && title.includes(`--mode ${mode}`));
  const rows = entries.map(({ name }) => {
    const cells = MODES.map((mode) => {
      const some = of(name, mode);
      return `${some.filter(({ status }) => status === 'passed').length} of ${some.length}`;
    });
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  const others = all.filter(({ status }) => status !== 'passed').map(({ title }) => `- ${title}`);
  return [
    `Node ${process.versions.node}, ${cpus().length} processors: kinds of requests that are answered as by plain node, of those that there are.`,
    '',
    '| program | process mode | base mode |',
    '|---|--:|--:|',
    ...rows,
    ...(others.length === 0 ? [] : ['', 'Answered otherwise:', '', ...others]),
    '',
  ].join('\n');
}
