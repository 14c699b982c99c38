import type { Outcome, Row } from './harness.js';
import type { Machine } from './machine.js';
import type { Summary } from './statistics.js';

/** What `--json` writes. */
export interface Report {
  readonly machine: Machine;
  readonly versions: Record<string, string>;
  readonly rows: readonly Row[];
}

const HEADINGS = ['case', 'unit', 'ours', 'median', 'peer', 'median', 'ratio min / median / max', 'bar'];
/** Columns of numbers, which end at the same place. */
const RIGHT = new Set([3, 5, 6]);

/** The outcomes as a table; losing rows are rows like the others. */
export function table(outcomes: readonly Outcome[]): string {
  const lines = [HEADINGS, ...outcomes.map(cells)];
  const widths = HEADINGS.map((_heading, i) => Math.max(...lines.map((line) => (line[i] as string).length)));
  const show = (line: readonly string[]) =>
    line
      .map((cell, i) =>
        RIGHT.has(i) ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number),
      )
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [show(HEADINGS), rule, ...lines.slice(1).map(show)].join('\n');
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

function cells({ comparison, row, failure }: Outcome): string[] {
  const { case: name, unit, ours, peer, bar } = comparison;
  const wanted = bar === undefined ? '' : `${bar}`;
  if (row === undefined) {
    const why =
      ours.missing ?? peer.missing ?? (failure === undefined ? 'not measured' : `failed: ${failure}`);
    return [name, unit, ours.name, '', peer.name, '', why, wanted];
  }
  const verdict = bar === undefined ? '' : `${bar} ${row.ratio.median >= bar ? 'reached' : 'missed'}`;
  return [
    name,
    unit,
    ours.name,
    show(row.ours.median),
    peer.name,
    show(row.peer.median),
    spread(row.ratio),
    verdict,
  ];
}

function spread({ min, median, max }: Summary): string {
  return [min, median, max].map((value) => value.toFixed(2)).join(' / ');
}

function show(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}
