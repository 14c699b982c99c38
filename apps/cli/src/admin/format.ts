import { styleText } from 'node:util';
import type { HeldLine } from './reports.js';

type Style = Parameters<typeof styleText>[0];

/** Colours where they are wanted: on a terminal that has some, and `NO_COLOR` (no-color.org) is not set. */
export function painter(stream: { readonly isTTY?: boolean }): (style: Style, text: string) => string {
  const { NO_COLOR, TERM } = process.env;
  const wanted = stream.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb';
  return (style, text) => (wanted ? styleText(style, text) : text);
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The two largest units: `3d 4h`, `12m 5s`, `7s`. */
export function duration(ms: number | null): string {
  if (ms === null) return '-';
  for (const [unit, size, next, below] of [
    ['d', DAY, 'h', HOUR],
    ['h', HOUR, 'm', MINUTE],
    ['m', MINUTE, 's', SECOND],
  ] as const)
    if (ms >= size) return `${Math.floor(ms / size)}${unit} ${Math.floor((ms % size) / below)}${next}`;
  return `${Math.floor(ms / SECOND)}s`;
}

/** In three digits: `980B`, `61.2M`. */
export function bytes(count: number | null): string {
  if (count === null) return '-';
  let value = count;
  for (const unit of ['B', 'K', 'M', 'G']) {
    if (value < 1_000) return unit === 'B' ? `${value}B` : `${value.toPrecision(3)}${unit}`;
    value /= 1_024;
  }
  return `${value.toPrecision(3)}T`;
}

/** A count that fits a column: `1234`, `56.7k`. */
export function short(count: number | null): string {
  if (count === null) return '-';
  let value = count;
  if (value < 10_000) return String(Math.round(value));
  for (const unit of ['k', 'M', 'G']) {
    value /= 1_000;
    if (value < 1_000) return `${value.toPrecision(3)}${unit}`;
  }
  return `${(value / 1_000).toPrecision(3)}T`;
}

/** As short as it is right: `0.35ms`, `12ms`, `3.4s`. */
export function milliseconds(ms: number | null): string {
  if (ms === null) return '-';
  if (ms >= 10_000) return `${Math.round(ms / SECOND)}s`;
  if (ms >= 1_000) return `${(ms / SECOND).toFixed(1)}s`;
  return ms >= 10 ? `${Math.round(ms)}ms` : `${Number(ms.toPrecision(2))}ms`;
}

/** Of a share from 0 to 1. */
export const percent = (share: number | null) => (share === null ? '-' : `${(share * 100).toFixed(1)}%`);

/** A count with its word, as `1 process` and `2 processes`. */
export const counted = (count: number, one: string, several = `${one}s`) =>
  `${grouped(count)} ${count === 1 ? one : several}`;

/** What a command waits for. */
export const heldText = ({ process, pid, state, advice }: HeldLine) =>
  `waits for ${process}, process ${pid}, which ${state === 'stopped' ? 'is stopped' : 'hangs'}. ${advice}`;

export const grouped = (count: number) => count.toLocaleString('en-US');

/** What a remote client or a name brings may move the cursor, or worse: control characters are shown as `?`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what they are looked for with
export const clean = (text: string) => text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?');

export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => string;
  /** Default: words to the left, which is of use for names. */
  readonly right?: boolean;
}

/** The lines of a table, the titles first; columns are as wide as they have to be. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ of }) => clean(of(row)))),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => (line[at] as string).length)));
  return cells.map((line) =>
    line
      .map((cell, at) =>
        columns[at]?.right ? cell.padStart(widths[at] as number) : cell.padEnd(widths[at] as number),
      )
      .join('  ')
      .trimEnd(),
  );
}
