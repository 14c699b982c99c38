import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row } from '../harness.js';
import type { Report } from '../report.js';
import { suiteNames } from '../suites.js';
import { bars } from './bars.js';
import { curves } from './curves.js';
import { draw } from './draw.js';
import { markdown } from './markdown.js';

/** Where results are kept, with what is made of them. */
export const RESULTS = fileURLToPath(new URL('../../../../docs/benchmarks/', import.meta.url));

/** Of charts whose suite does not say enough by its name. */
const TITLES: Readonly<Record<string, string>> = {
  http: 'Requests and WebSocket messages per second',
};
const CURVES = { connections: 'Echo of 64 B by connections', workers: 'Echo of 64 B by workers' };

/** The results of a directory, by suite. */
export function readResults(directory: string): Map<string, Report> {
  const files = suiteNames.map((name) => [name, join(directory, `${name}.json`)] as const);
  return new Map(
    files
      .filter(([, file]) => existsSync(file))
      .map(([name, file]) => [name, JSON.parse(readFileSync(file, 'utf8')) as Report]),
  );
}

/** The rows that have a name for the chart; else what is asked for, and of a suite in which nothing is, everything. */
function drawn(rows: readonly Row[]): readonly Row[] {
  const named = rows.filter(({ headline }) => headline !== undefined);
  if (named.length > 0) return named;
  const asked = rows.filter(({ bar }) => bar !== undefined);
  return asked.length > 0 ? asked : rows;
}

/** Draws what there are results for, and writes the tables. */
export async function drawAll(directory: string): Promise<void> {
  const results = readResults(directory);
  for (const [name, report] of results) {
    const rows = drawn(report.rows);
    const title = TITLES[name] ?? `Suite '${name}'`;
    if (rows.length > 0) await draw(bars(title, report, rows), join(directory, `${name}.svg`));
    for (const [curve, title] of Object.entries(CURVES)) {
      if (!report.rows.some(({ point }) => point?.curve === curve)) continue;
      await draw(curves(title, report, curve), join(directory, `${name}-${curve}.svg`));
    }
  }
  writeFileSync(join(directory, 'results.md'), markdown(results));
}
