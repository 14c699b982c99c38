/**
 * The memory of a registry: a head, and a log of records that only grows. Nothing outside of this file knows an offset.
 * A unit is 8 bytes; all records, and all numbers of 64 bits, begin at one.
 *
 *   byte  0         4            8          12      16                   32     40         64               128
 *         ┌─────────┬────────────┬──────────┬───────┬────────────────────┬──────┬──────────┬────────────────┬────────── …
 *   head  │ VERSION │ MAX_SERIES │ CAPACITY │ END   │ ID (16 bytes)      │ LOST │          │ MUTEX          │ the log
 *         └─────────┴────────────┴──────────┴───────┴────────────────────┴──────┴──────────┴────────────────┴────────── …
 *   CAPACITY and END count units of the log. LOST: an int64, what could be counted for no metric.
 *
 *   byte  0        4            8        12           16          20           24       32        36      40
 *         ┌────────┬────────────┬────────┬────────────┬───────────┬────────────┬────────┬─────────┬───────┬─────────┬──────┐
 *   metric│ LENGTH │ KIND = 1   │ TYPE   │ AGGREGATOR │ TEXT_SIZE │ MAX_SERIES │ LOST   │ BUCKETS │ SHOWN │ bounds  │ TEXT │
 *         ├────────┼────────────┼────────┼────────────┼───────────┼────────────┼────────┴─────────┴───────┴─────────┴──────┘
 *   series│ LENGTH │ KIND = 2   │ METRIC │ SHOWN      │ TEXT_SIZE │ OWNER      │ cells, 8 bytes each │ TEXT │
 *         └────────┴────────────┴────────┴────────────┴───────────┴────────────┴─────────────────────┴──────┘ (cells from 24)
 *   LENGTH of the record in units. METRIC: the unit of the log at which the metric of a series begins. SHOWN: 0 when it was removed.
 *   OWNER: of a gauge with an aggregator, the token of the thread whose part it is (owner/layout.ts of shared-memory); 0
 *   otherwise. TEXT: JSON in UTF-8; of a metric `[name, help, …label names]`, of a series its labels' values.
 *
 *   Cells. Of a counter and a gauge: its value, a float64. Of a histogram: the sum, a float64; then, for each bound and for what
 *   lies beyond all, how many were observed there, an int64. A counter's and a gauge's value, and a sum, change by
 *   compare-exchange of their 64 bits; the others by an atomic add.
 *
 * Who writes. Records are appended by the thread that has the mutex, at END, where nothing is read; the store of END publishes one
 * as a whole. A cell, LOST and SHOWN are written by any thread, each by one atomic operation.
 *
 * Death at any store:
 * - While a record is written: END has not changed, so there is no such record. The mutex goes to the next in need, which writes its
 *   own record over what was begun.
 * - After END was stored: the record is whole; the mutex goes to the next in need.
 * - Between the two operations of an observation (its bucket, then the sum): it is counted, and not in the sum.
 * - A thread that owns parts of gauges: the token in them is a dead one's; nobody reads them any more, and the next thread that has
 *   its slot of the registry of owners writes 0 there before its own token.
 */
const WORD = 4;
const UNIT = 8;

export const VERSION = 1;

/** In words from the start of the memory. */
export const VERSION_WORD = 0;
export const MAX_SERIES_WORD = 4 / WORD;
export const CAPACITY_WORD = 8 / WORD;
export const END_WORD = 12 / WORD;
export const ID_OFFSET = 16;
export const ID_BYTES = 16;
/** In units from the start of the memory. */
export const LOST_UNIT = 32 / UNIT;
export const MUTEX_OFFSET = 64;
export const LOG_OFFSET = 128;
export const LOG_UNIT = LOG_OFFSET / UNIT;

export const METRIC = 1;
export const SERIES = 2;

/** In words from the start of a record. */
export const LENGTH = 0;
export const KIND = 1;
export const TEXT_SIZE = 4;

export const METRIC_TYPE = 2;
export const METRIC_AGGREGATOR = 3;
export const METRIC_MAX_SERIES = 5;
export const METRIC_BUCKETS = 8;
export const METRIC_SHOWN = 9;
/** In units from the start of a record. */
export const METRIC_LOST_UNIT = 24 / UNIT;
export const METRIC_BOUNDS_UNIT = 40 / UNIT;

export const SERIES_METRIC = 2;
export const SERIES_SHOWN = 3;
export const SERIES_OWNER = 5;
export const SERIES_CELLS_UNIT = 24 / UNIT;

/** In cells from the first of a histogram. */
export const SUM_CELL = 0;
export const BUCKETS_CELL = 1;

/** What a number in METRIC_TYPE and in METRIC_AGGREGATOR means. */
export const TYPES = [undefined, 'counter', 'gauge', 'histogram'] as const;
export const AGGREGATORS = [undefined, 'sum', 'min', 'max', 'average', 'first'] as const;

/** Bounds of a histogram at most. */
export const MOST_BUCKETS = 1_000;

/** Cells of a series of a metric with so many bounds; a counter and a gauge have none. */
export function cellsOf(type: (typeof TYPES)[number], bounds: number): number {
  return type === 'histogram' ? BUCKETS_CELL + bounds + 1 : 1;
}

/** Units of the records, for a text of so many bytes. */
export function metricUnits(bounds: number, textSize: number): number {
  return METRIC_BOUNDS_UNIT + bounds + Math.ceil(textSize / UNIT);
}

export function seriesUnits(cells: number, textSize: number): number {
  return SERIES_CELLS_UNIT + cells + Math.ceil(textSize / UNIT);
}

/** Bytes of a memory whose log has so many. */
export function memoryBytes(logBytes: number): number {
  return LOG_OFFSET + Math.ceil(logBytes / UNIT) * UNIT;
}

/** Words of so many units, and bytes. */
export const wordsOf = (units: number) => (units * UNIT) / WORD;
export const bytesOf = (units: number) => units * UNIT;
export const unitsOf = (bytes: number) => Math.floor(bytes / UNIT);
