import { symbolIn } from './class-rules.js';

/** Arrays up to this length are cheap to list the names of. */
const SHORT = 4;

/**
 * Whether an array, which has no gaps, has no enumerable properties besides its elements. V8 makes a string of every index for
 * the names and none for the values, but boxes each value of an array of fractions.
 */
export function isBareArray(list: readonly unknown[]): boolean {
  const { length } = list;
  const names = length <= SHORT || isFraction(list[0]) ? Object.keys(list) : Object.values(list);
  return names.length === length && symbolIn(list) === undefined;
}

function isFraction(value: unknown): boolean {
  return typeof value === 'number' && !Number.isInteger(value);
}
