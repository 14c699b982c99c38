/**
 * Charts of results: `npm run charts -w @millrace/bench -- RESULT.json CHART.svg`. A bar for each row: how many times
 * as good ours is as the peer, with the spread over the rounds.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Row } from './harness.js';
import type { Report } from './report.js';

const WIDTH = 480;
const ROW_HEIGHT = 18;
const OURS = '#2f7d5b';
const THEIRS = '#b0483a';

async function draw({ machine, versions, rows }: Report, wanted: RegExp): Promise<string> {
  const shown = rows.filter((row) => wanted.test(row.case));
  if (shown.length === 0) throw new Error(`No case matches ${wanted}.`);
  const values = shown.map(({ case: name, ours, peer, ratio }: Row) => ({
    name: `${name} · ${ours.name} : ${peer.name}`,
    ...ratio,
    even: 1,
    winner: ratio.median >= 1,
  }));
  const x = { type: 'quantitative', scale: { type: 'log' }, title: 'times as good (logarithmic)' } as const;
  const y = { field: 'name', type: 'nominal', sort: null, title: null, axis: { labelLimit: 520 } } as const;
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: {
      text: machine.command,
      subtitle: `${machine.cpus} x ${machine.cpu}, Linux ${machine.kernel}, Node ${versions.node}`,
      anchor: 'start',
    },
    background: 'white',
    width: WIDTH,
    height: { step: ROW_HEIGHT },
    data: { values },
    layer: [
      {
        mark: { type: 'bar' },
        encoding: {
          y,
          x: { ...x, field: 'even' },
          x2: { field: 'median' },
          color: { condition: { test: 'datum.winner', value: OURS }, value: THEIRS },
        },
      },
      { mark: { type: 'rule' }, encoding: { y, x: { ...x, field: 'min' }, x2: { field: 'max' } } },
      {
        mark: { type: 'text', align: 'left', dx: 6 },
        encoding: {
          y,
          x: { ...x, field: 'max' },
          text: { field: 'median', type: 'quantitative', format: '.2f' },
        },
      },
    ],
  };
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG();
}

const program = new Command('charts')
  .argument('<result>', 'what `npm run bench -- SUITE --json` wrote')
  .argument('<chart>', 'the SVG file to write')
  .option('--cases <pattern>', 'only cases that match this regular expression', '')
  .action(async (result: string, chart: string, { cases }: { cases: string }) => {
    const report = JSON.parse(readFileSync(result, 'utf8')) as Report;
    writeFileSync(chart, await draw(report, new RegExp(cases)));
  });

await program.parseAsync();
