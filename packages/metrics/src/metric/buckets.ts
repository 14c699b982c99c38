import { shown } from '@millrace/channel/errors';
import { MetricsError } from '../errors.js';
import { MOST_BUCKETS } from '../memory/layout.js';

/** For seconds of a request. */
export const DEFAULT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** `count` bounds from `start`, each `width` above the last one. */
export function linearBuckets(start: number, width: number, count: number): number[] {
  checkCount(count);
  if (!(width > 0)) refuse('The width of linear buckets', width, 'above 0');
  return Array.from({ length: count }, (_, i) => start + i * width);
}

/** `count` bounds from `start`, each `factor` times the last one. */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  checkCount(count);
  if (!(start > 0)) refuse('The start of exponential buckets', start, 'above 0');
  if (!(factor > 1)) refuse('The factor of exponential buckets', factor, 'above 1');
  const buckets: number[] = [];
  for (let bound = start; buckets.length < count; bound *= factor) buckets.push(bound);
  return buckets;
}

/** The bounds of a histogram; that of infinity is there in any case, and is left out. */
export function checkBuckets(buckets: unknown): readonly number[] {
  if (!Array.isArray(buckets)) return refuse('The buckets of a histogram', buckets, 'a list of numbers');
  const bounds: unknown[] = buckets.filter((bound) => bound !== Number.POSITIVE_INFINITY);
  if (bounds.length > MOST_BUCKETS) refuse('The number of buckets', bounds.length, `at most ${MOST_BUCKETS}`);
  const bad = bounds.findIndex(
    (bound, i) =>
      typeof bound !== 'number' ||
      !Number.isFinite(bound) ||
      !(bound > ((bounds[i - 1] ?? Number.NEGATIVE_INFINITY) as number)),
  );
  if (bad >= 0)
    refuse(`The bucket ${bad} of a histogram`, bounds[bad], 'a number above that of the one before');
  return bounds as number[];
}

function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MOST_BUCKETS)
    refuse('The number of buckets', count, `a whole number from 1 to ${MOST_BUCKETS}`);
}

function refuse(what: string, value: unknown, limit: string): never {
  throw new MetricsError(
    'ERR_MILLRACE_METRICS_OPTION',
    `${what} is ${shown(value)}, and has to be ${limit}.`,
    { value, limit },
  );
}
