import type { TopLevelSpec } from 'vega-lite';
import type { Row } from '../harness.js';
import type { Report } from '../report.js';
import { heading, LOST, WON } from './look.js';

const WIDTH = 480;
const ROW_HEIGHT = 18;

/** A bar for each row: how many times as good ours is as the peer, its spread over the runs, and a tick at what is asked. */
export function bars(title: string, { machine, versions }: Report, rows: readonly Row[]): TopLevelSpec {
  if (rows.length === 0) throw new RangeError(`There is no row for the chart '${title}'.`);
  const values = rows.map(({ case: name, ours, peer, ratio, bar, headline }) => ({
    name: headline ?? `${name} · ${ours.name} : ${peer.name}`,
    ...ratio,
    bar: bar ?? null,
    even: 1,
    end: Math.max(1, ratio.max),
    won: ratio.median >= 1,
  }));
  const x = { type: 'quantitative', scale: { type: 'log' }, title: 'times as good (logarithmic)' } as const;
  const y = { field: 'name', type: 'nominal', sort: null, title: null, axis: { labelLimit: 0 } } as const;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: heading(title, machine, versions),
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
          color: { condition: { test: 'datum.won', value: WON }, value: LOST },
        },
      },
      { mark: { type: 'rule' }, encoding: { y, x: { ...x, field: 'min' }, x2: { field: 'max' } } },
      {
        transform: [{ filter: 'isValid(datum.bar)' }],
        mark: { type: 'tick', thickness: 2, color: 'black' },
        encoding: { y, x: { ...x, field: 'bar' } },
      },
      {
        mark: { type: 'text', align: 'left', dx: 6 },
        encoding: {
          y,
          x: { ...x, field: 'end' },
          text: { field: 'median', type: 'quantitative', format: '.2f' },
        },
      },
    ],
  };
}
