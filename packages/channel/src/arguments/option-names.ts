import { ArgumentError, shown } from '../errors.js';
import type { ReceiveOptions, WaitOptions } from '../interface/channel.js';

/** The names of the options that `O` describes; the compiler sees to it that the list is whole and has no other. */
export function optionNames<O extends object>(
  names: { readonly [Name in keyof Required<O>]: true },
): ReadonlySet<string> {
  return new Set(Object.keys(names));
}

/** Throws `ERR_MILLRACE_UNKNOWN_OPTION`, with the nearest name, when `options` has one that is not among `known`. */
export function checkOptions(options: object | undefined, known: ReadonlySet<string>, of: string): void {
  for (const name in options) {
    if (known.has(name)) continue;
    const value = (options as Record<string, unknown>)[name];
    // Counts as absent: options are often passed on one by one.
    if (value === undefined) continue;
    throw new ArgumentError(
      'ERR_MILLRACE_UNKNOWN_OPTION',
      `${of} has no option '${name}'${didYouMean(name, known)}`,
      { argument: name, value },
    );
  }
}

/**
 * {@link checkOptions} for an object of functions, the `what` of `of`. An object of a class of the user's own may hold what
 * it likes besides.
 */
export function checkHandlers(
  handlers: unknown,
  known: ReadonlySet<string>,
  of: string,
  what = 'handlers',
): void {
  if (typeof handlers !== 'object' || handlers === null)
    throw new ArgumentError(
      'ERR_MILLRACE_HANDLERS_VALUE',
      `The ${what} of ${of} are an object with functions, not ${shown(handlers)}.`,
      { argument: what, value: handlers },
    );
  const prototype: unknown = Object.getPrototypeOf(handlers);
  if (prototype !== null && prototype !== Object.prototype) return;
  for (const name in handlers) {
    const value = (handlers as Record<string, unknown>)[name];
    if (known.has(name) || value === undefined) continue;
    throw new ArgumentError(
      'ERR_MILLRACE_UNKNOWN_OPTION',
      `The ${what} of ${of} have no '${name}'${didYouMean(name, known)}`,
      { argument: name, value },
    );
  }
}

/** Names of the options of a wait, for the lists of those that have others besides. */
export const WAIT_OPTION_NAMES = { signal: true, timeout: true } as const;
const WAIT_OPTIONS = optionNames<WaitOptions>(WAIT_OPTION_NAMES);
const RECEIVE_OPTIONS = optionNames<ReceiveOptions<unknown>>({ ...WAIT_OPTION_NAMES, none: true });

/** {@link checkOptions} for a call that takes those of a wait. */
export function checkWaitOptions(options: object | undefined, of: string): void {
  checkOptions(options, WAIT_OPTIONS, of);
}

/** {@link checkOptions} for a `receive`. */
export function checkReceiveOptions(options: object | undefined, of: string): void {
  checkOptions(options, RECEIVE_OPTIONS, of);
}

/** Those of `options` that are among `names`, to pass them on to a part. */
export function pickOptions<O extends object>(options: O, names: ReadonlySet<string>): Partial<O> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.has(name))) as Partial<O>;
}

/** `; did you mean 'timeout'?`, or what there is when nothing is like it: the end of a message about a wrong name. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const names = [...known];
  const near = nearest(name, names);
  return near === undefined ? `; there are: ${names.join(', ')}.` : `; did you mean '${near}'?`;
}

/** Of a name's letters, those that may be wrong. */
const WRONG_SHARE = 0.4;
/** Letters that the beginning of a name must have to stand for it. */
const MIN_BEGINNING = 3;

/** The name that takes the fewest edits, if these are few beside its letters; else one that begins with the other. */
function nearest(name: string, names: readonly string[]): string | undefined {
  let found: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const candidate of names) {
    const edits = distance(name.toLowerCase(), candidate.toLowerCase());
    const most = Math.ceil(WRONG_SHARE * Math.max(name.length, candidate.length));
    if (edits <= most && edits < fewest) [found, fewest] = [candidate, edits];
  }
  return found ?? names.find((candidate) => isBeginning(name.toLowerCase(), candidate.toLowerCase()));
}

function isBeginning(a: string, b: string): boolean {
  return Math.min(a.length, b.length) >= MIN_BEGINNING && (a.startsWith(b) || b.startsWith(a));
}

/** Levenshtein's: insertions, deletions and replacements of a letter. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
