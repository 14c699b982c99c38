import type { TopLevelSpec } from 'vega-lite';
import type { Row } from '../harness.js';
import type { Report } from '../report.js';
import type { Summary } from '../statistics.js';
import { heading } from './look.js';

const WIDTH = 480;
const HEIGHT = 260;

/** Where a contender was at one point of a curve. */
export interface Place extends Summary {
  readonly name: string;
  readonly at: number;
}

/** The points of one curve; a contender that stands in several rows is there once. */
export function places(rows: readonly Row[], curve: string): Place[] {
  const found = new Map<string, Place>();
  for (const { point, ours, peer } of rows) {
    if (point?.curve !== curve) continue;
    for (const { name, median, min, max } of [ours, peer]) {
      found.set(`${name} ${point.at}`, { name, at: point.at, median, min, max });
    }
  }
  return [...found.values()];
}

/** A line for each contender: how its rate goes with the number of connections, or of workers; and the spread. */
export function curves(title: string, { machine, versions, rows }: Report, curve: string): TopLevelSpec {
  const values = places(rows, curve);
  if (values.length === 0) throw new RangeError(`No row lies on the curve '${curve}'.`);
  const ats = [...new Set(values.map(({ at }) => at))].sort((a, b) => a - b);
  const x = {
    field: 'at',
    type: 'quantitative',
    scale: { type: 'log', nice: false },
    axis: { values: ats, format: ',' },
    title: `${curve} (logarithmic)`,
  } as const;
  const color = {
    field: 'name',
    type: 'nominal',
    title: null,
    sort: null,
    legend: { symbolOpacity: 1 },
  } as const;
  const y = { type: 'quantitative', title: 'messages per second', scale: { zero: true } } as const;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: heading(title, machine, versions),
    background: 'white',
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    layer: [
      {
        mark: { type: 'area', opacity: 0.15 },
        encoding: { x, y: { ...y, field: 'min' }, y2: { field: 'max' }, color },
      },
      { mark: { type: 'line', point: true }, encoding: { x, y: { ...y, field: 'median' }, color } },
    ],
  };
}
