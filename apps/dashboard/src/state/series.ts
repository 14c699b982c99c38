import { signal } from '@preact/signals';
import type { History } from '../reports.js';

/** What charts show: the last ten minutes, a sample a second, and some more. */
const MOST_SAMPLES = 640;
/** Milliseconds between two samples from which on a chart shows a gap. */
const GAP_MS = 3_000;
/** Samples of two sources that are nearer to each other than this are of the same second. */
const SAME_MS = 600;

type Value = number | null;

/** Numbers over time, in columns as charts take them; bounded. */
export class Series<Name extends string> {
  /** Changes with each sample. */
  readonly version = signal(0);
  readonly names: readonly Name[];
  #at: number[] = [];
  #columns: Record<Name, Value[]>;

  constructor(names: readonly Name[]) {
    this.names = names;
    this.#columns = emptyColumns(names);
  }

  /** Milliseconds since 1970, ascending. */
  get at(): readonly number[] {
    return this.#at;
  }

  column(name: Name): readonly Value[] {
    return this.#columns[name];
  }

  push(at: number, values: Readonly<Record<Name, Value>>): void {
    this.#append(at, values);
    this.#trim();
    this.version.value++;
  }

  /** Takes what the server has kept; of the time that it knows nothing of, what was seen here stays. */
  fill({ at, series }: History<Name>): void {
    const first = at[0];
    const last = at.at(-1);
    if (first === undefined || last === undefined) return;
    const seen = this.#at.map((time, index) => ({ at: time, values: this.#row(index) }));
    const kept = at.map((time, index) => ({
      at: time,
      values: Object.fromEntries(this.names.map((name) => [name, series[name]?.[index] ?? null])) as Record<
        Name,
        Value
      >,
    }));
    this.#at = [];
    this.#columns = emptyColumns(this.names);
    const rows = [
      ...seen.filter((row) => row.at < first - SAME_MS),
      ...kept,
      ...seen.filter((row) => row.at > last + SAME_MS),
    ];
    for (const row of rows) this.#append(row.at, row.values);
    this.#trim();
    this.version.value++;
  }

  #row(index: number): Record<Name, Value> {
    return Object.fromEntries(this.names.map((name) => [name, this.#columns[name][index] ?? null])) as Record<
      Name,
      Value
    >;
  }

  #append(at: number, values: Readonly<Record<Name, Value>>): void {
    const last = this.#at.at(-1);
    // A clock that was set back, or the same sample twice.
    if (last !== undefined && at <= last) return;
    if (last !== undefined && at - last > GAP_MS) this.#add(last + 1, undefined);
    this.#add(at, values);
  }

  #add(at: number, values: Readonly<Record<Name, Value>> | undefined): void {
    this.#at.push(at);
    for (const name of this.names) this.#columns[name].push(values?.[name] ?? null);
  }

  #trim(): void {
    const extra = this.#at.length - MOST_SAMPLES;
    if (extra <= 0) return;
    this.#at.splice(0, extra);
    for (const name of this.names) this.#columns[name].splice(0, extra);
  }
}

function emptyColumns<Name extends string>(names: readonly Name[]): Record<Name, Value[]> {
  return Object.fromEntries(names.map((name) => [name, [] as Value[]])) as Record<Name, Value[]>;
}

/** What a counter has grown by in a second, for each sample; null where that is not known, as after a new start. */
export function ratesOf(at: readonly number[], counts: readonly Value[]): Value[] {
  return counts.map((count, index) => {
    const before = counts[index - 1];
    const time = at[index - 1];
    const now = at[index];
    if (count === null || before === null || before === undefined || time === undefined || now === undefined)
      return null;
    return count < before ? null : ((count - before) * 1_000) / (now - time);
  });
}
