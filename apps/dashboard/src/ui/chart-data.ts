import { ratesOf, type Series } from '../state/series.js';

type Value = number | null;

/** A line of a chart: a column of a series as it is, or what it grows by in a second. */
export interface Line<Name extends string> {
  readonly label: string;
  readonly column: Name;
  readonly perSecond?: true;
}

export const valuesOf = <Name extends string>(
  series: Series<Name>,
  { column, perSecond }: Line<Name>,
): readonly Value[] => (perSecond ? ratesOf(series.at, series.column(column)) : series.column(column));

/** The last one that is known. */
export const latestOf = (values: readonly Value[]): Value => values.at(-1) ?? null;

export interface MinuteRow {
  readonly at: number;
  readonly means: readonly Value[];
}

/** The mean of each minute, newest first: the numbers of a chart, for who reads them. */
export function minutesOf(at: readonly number[], lines: readonly (readonly Value[])[]): MinuteRow[] {
  const groups = new Map<number, number[]>();
  at.forEach((time, index) => {
    const minute = Math.floor(time / 60_000) * 60_000;
    const group = groups.get(minute);
    if (group === undefined) groups.set(minute, [index]);
    else group.push(index);
  });
  return [...groups]
    .map(([minute, indices]) => ({
      at: minute,
      means: lines.map((values) => mean(indices.map((index) => values[index] ?? null))),
    }))
    .reverse();
}

function mean(values: readonly Value[]): Value {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
