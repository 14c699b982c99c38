/**
 * Charts and tables of the results that are kept: `npm run charts -w @millrace/bench` reads docs/benchmarks/*.json and
 * writes the charts and results.md beside them. `-- RESULT.json CHART.svg` draws the bars of one result.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command } from 'commander';
import { bars } from './charts/bars.js';
import { draw } from './charts/draw.js';
import { drawAll, RESULTS } from './charts/results.js';
import type { Report } from './report.js';

const program = new Command('charts')
  .argument('[result]', 'what `npm run bench -- SUITE --json` wrote')
  .argument('[chart]', 'the SVG file to write')
  .option('--cases <pattern>', 'only cases that match this regular expression', '')
  .action(async (result: string | undefined, chart: string | undefined, { cases }: { cases: string }) => {
    if (result === undefined) return drawAll(RESULTS);
    const report = JSON.parse(readFileSync(result, 'utf8')) as Report;
    const wanted = new RegExp(cases);
    const rows = report.rows.filter((row) => wanted.test(row.case));
    await draw(bars(basename(result, '.json'), report, rows), chart ?? result.replace(/(\.json)?$/, '.svg'));
  });

await program.parseAsync();
