/** What is measured of either library. */
export const OPERATIONS = {
  'inc bound': 'a counter of two labels, bound: inc',
  'inc labels': 'a counter of two labels: inc({ … })',
  'inc plain': 'a counter without labels: inc',
  'set labels': 'a gauge of two labels: set({ … })',
  'observe bound': 'a histogram of 11 buckets, bound: observe',
  'observe labels': 'a histogram of 11 buckets and two labels: observe({ … })',
  page: 'the page of 1,000 series',
} as const;

export type Operation = keyof typeof OPERATIONS;
export type Library = 'millrace' | 'prom-client';

/** Calls of one round. */
export const CALLS = 2_000_000;
/** Series of each metric, between which the calls alternate. */
export const SERIES = 8;
/** Of the page. */
export const PAGE_SERIES = 1_000;
export const PAGES = 20;
