import type { Outcome, Row, Told } from './harness.js';
import type { Machine } from './machine.js';
import type { Summary } from './statistics.js';

/** What `--json` writes. */
export interface Report {
  readonly machine: Machine;
  readonly versions: Record<string, string>;
  readonly rows: readonly Row[];
  readonly figures: readonly Told[];
  /** Comparisons that could not be made, and why. */
  readonly absent: readonly Absent[];
}

export interface Absent {
  readonly case: string;
  readonly ours: string;
  readonly peer: string;
  readonly why: string;
}

const HEADINGS = ['case', 'unit', 'ours', 'median', 'peer', 'median', 'ratio min / median / max', 'bar'];
/** Columns of numbers, which end at the same place. */
const RIGHT = new Set([3, 5, 6]);

/** The outcomes as a table; losing rows are rows like the others. */
export function table(outcomes: readonly Outcome[]): string {
  return aligned([HEADINGS, ...outcomes.map(cells)], RIGHT);
}

/** Figures that are told for themselves, as a table. */
export function figureTable(told: readonly Told[]): string {
  const lines = told.map(({ case: name, unit, name: of, min, median, max }) => {
    return [name, of, unit, spread({ min, median, max })];
  });
  return aligned([['figure', 'of', 'unit', 'min / median / max, or the sum'], ...lines], new Set([3]));
}

/** Lines of cells under their headings; the numbers of the columns that end at the same place. */
function aligned(lines: readonly (readonly string[])[], right: ReadonlySet<number>): string {
  const [headings, ...rest] = lines as [readonly string[]];
  const widths = headings.map((_heading, i) => Math.max(...lines.map((line) => (line[i] as string).length)));
  const join = (line: readonly string[]) =>
    line
      .map((cell, i) =>
        right.has(i) ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number),
      )
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [join(headings), rule, ...rest.map(join)].join('\n');
}

/** Why a comparison has no row. */
export function whyAbsent({ comparison: { ours, peer }, failure }: Outcome): string {
  return ours.missing ?? peer.missing ?? (failure === undefined ? 'not measured' : `failed: ${failure}`);
}

export function heading(machine: Machine, versions: Record<string, string>): string {
  const { cpu, cpus, memory, arch, kernel, load, command } = machine;
  const known = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `machine   ${cpus} x ${cpu} (${arch}), ${memory} GiB, load ${load} before the start`,
    `kernel    Linux ${kernel}`,
    `versions  ${known.join(', ')}`,
    `command   ${command}`,
  ].join('\n');
}

function cells(outcome: Outcome): string[] {
  const { comparison, row } = outcome;
  const { case: name, unit, ours, peer, bar } = comparison;
  if (row === undefined)
    return [
      name,
      unit,
      ours.name,
      '',
      peer.name,
      '',
      whyAbsent(outcome),
      bar === undefined ? '' : `${Number(bar.toFixed(2))}`,
    ];
  return [
    name,
    unit,
    ours.name,
    show(row.ours.median),
    peer.name,
    show(row.peer.median),
    [row.ratio.min, row.ratio.median, row.ratio.max].map((ratio) => ratio.toFixed(2)).join(' / '),
    verdict(row),
  ];
}

/** Whether a row reaches its bar; where it does not, what there is to reach at most, where that is known. */
export function verdict({ ratio, bar, limit }: Row): string {
  if (bar === undefined) return '';
  const wanted = Number(bar.toFixed(2));
  if (ratio.median >= bar) return `${wanted} reached`;
  return `${wanted} missed${limit === undefined ? '' : ` (at most ${limit.median.toFixed(2)})`}`;
}

/** Least, median and most; one number where they are one. */
export function spread({ min, median, max }: Summary): string {
  return min === max ? show(median) : [min, median, max].map(show).join(' / ');
}

export function show(value: number): string {
  if (value === 0) return '0';
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}
