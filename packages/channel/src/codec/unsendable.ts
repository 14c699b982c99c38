import { ChannelError } from '../errors.js';
import { isBareArray } from './array-rules.js';
import { hasProperties, symbolIn } from './class-rules.js';

/**
 * What a codec says of one value, its parts aside: it arrives as it is, its parts decide, it needs another form and its parts
 * decide, or it cannot be sent, being what the text says.
 */
export type Verdict = typeof FINE | typeof PARTS | typeof ODD | Refusal;
export interface Refusal {
  readonly cannot: string;
}
export const FINE = 0;
export const PARTS = 1;
export const ODD = 2;
const REFUSED = 3;

/** What a codec carries. */
export interface Rules {
  of(value: unknown): Verdict;
  /** Of the name of a property. */
  ofName(name: string): typeof FINE | Refusal;
  /** The parts of what is neither an array, a Map nor a Set, as names and values; undefined: its own properties. */
  partsOf?(value: object): Iterable<readonly [string, unknown]> | undefined;
  /** Whether a property that is undefined arrives as one, rather than not at all. */
  readonly keepsUndefined: boolean;
}

/** Levels of objects in one another that are looked at; codecs recurse, and a stack has an end. */
export const MOST_DEPTH = 1_000;
/** What is said of a getter or a proxy that throws. */
const THROWS = { cannot: 'something that throws when it is looked at' };
/** Characters of a path that an error shows. */
const MOST_PATH = 200;

/** Throws `ERR_MILLRACE_UNSENDABLE` unless `value` can be sent; true when something in it needs another form. */
export function survey(value: unknown, rules: Rules): boolean {
  let met: number;
  try {
    met = look(value, rules, 0);
  } catch (error) {
    throw unsendable(value, rules, error);
  }
  if (met === REFUSED) throw unsendable(value, rules);
  return met === ODD;
}

/** The worst that is in `value`. Names no path, and makes no closures: every value that msgpackr packs comes by here. */
function look(value: unknown, rules: Rules, depth: number): number {
  if (typeof value === 'boolean' || value === null) return FINE;
  // Small whole numbers are fine for every codec.
  if (typeof value === 'number' && (value | 0) === value && !Object.is(value, -0)) return FINE;
  const verdict = rules.of(value);
  if (verdict === FINE) return FINE;
  if (verdict !== PARTS && verdict !== ODD) return REFUSED;
  if (typeof value !== 'object' || value === null) return verdict;
  if (depth === MOST_DEPTH) return REFUSED;
  if (Array.isArray(value)) return lookAtArray(value, rules, depth + 1);
  const ofParts =
    value instanceof Map || value instanceof Set
      ? lookAtCollection(value, rules, depth + 1)
      : lookAtObject(value, rules, depth + 1);
  return Math.max(verdict, ofParts);
}

function lookAtArray(list: readonly unknown[], rules: Rules, depth: number): number {
  let worst: number = PARTS;
  for (let i = 0; i < list.length; i++) {
    const part = list[i];
    if (part === undefined && !(i in list)) return REFUSED;
    const met = look(part, rules, depth);
    if (met > worst) {
      if (met === REFUSED) return REFUSED;
      worst = met;
    }
  }
  return isBareArray(list) ? worst : REFUSED;
}

function lookAtObject(value: object, rules: Rules, depth: number): number {
  let worst: number = PARTS;
  const parts = rules.partsOf?.(value);
  if (parts !== undefined) {
    for (const [, part] of parts) worst = Math.max(worst, look(part, rules, depth));
    return worst;
  }
  if (symbolIn(value) !== undefined) return REFUSED;
  const named = value as Record<string, unknown>;
  for (const name of Object.keys(value)) {
    if (rules.ofName(name) !== FINE) return REFUSED;
    const part = named[name];
    if (part === undefined && !rules.keepsUndefined) continue;
    const met = look(part, rules, depth);
    if (met > worst) {
      if (met === REFUSED) return REFUSED;
      worst = met;
    }
  }
  return worst;
}

function lookAtCollection(value: Map<unknown, unknown> | Set<unknown>, rules: Rules, depth: number): number {
  let worst: number = hasProperties(value) ? REFUSED : PARTS;
  const take = (part: unknown) => {
    const met = look(part, rules, depth);
    if (met > worst) worst = met;
  };
  // No entries of a Set: they are pairs.
  if (value instanceof Set) for (const part of value) take(part);
  else
    for (const [key, part] of value) {
      take(key);
      take(part);
    }
  return worst;
}

/**
 * Explains why `value` could not be encoded: finds the first part that has no meaning in another process, and names
 * its path. Walks the whole value, so it is called only once encoding has failed. `cause` is that failure.
 */
export function unsendable(value: unknown, rules: Rules, cause?: unknown): ChannelError {
  const found = find(value, 'value', rules, new Set());
  if (found === undefined) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new ChannelError('ERR_MILLRACE_UNSENDABLE', `The value cannot be encoded: ${why}`, {
      cause,
      path: 'value',
    });
  }
  const [path, what] = found;
  const message = `${path} is ${what}, which cannot be sent to another process.`;
  return new ChannelError('ERR_MILLRACE_UNSENDABLE', message, { cause, path });
}

function find(
  value: unknown,
  path: string,
  rules: Rules,
  ancestors: Set<unknown>,
): [string, string] | undefined {
  if (ancestors.has(value)) return [path, 'a reference back to an object that contains it'];
  const verdict = judge(value, rules);
  if (verdict === FINE) return undefined;
  if (typeof verdict === 'object') return [path, verdict.cannot];
  if (typeof value !== 'object' || value === null) return undefined;
  if (ancestors.size === MOST_DEPTH) {
    return [`${path.slice(0, MOST_PATH)}…`, `more than ${MOST_DEPTH} levels deep`];
  }
  ancestors.add(value);
  let place = path;
  try {
    for (const [name, read, refusal] of parts(value, rules)) {
      place = Array.isArray(value) && /^\d+$/.test(name) ? `${path}[${name}]` : `${path}.${name}`;
      if (refusal !== undefined) return [place, refusal];
      const part = read();
      if (part === undefined && !Array.isArray(value) && !rules.keepsUndefined) continue;
      const found = find(part, place, rules, ancestors);
      if (found) return found;
    }
    const symbol = rules.partsOf?.(value) === undefined ? symbolIn(value) : undefined;
    if (symbol !== undefined) return [`${path}[${String(symbol)}]`, 'a property that is named by a symbol'];
  } catch {
    return [place, THROWS.cannot];
  }
  ancestors.delete(value);
  return undefined;
}

function judge(value: unknown, rules: Rules): Verdict {
  try {
    return rules.of(value);
  } catch {
    return THROWS;
  }
}

/** The name and the value of each part, reading which may throw; or why there may be no such part. */
function* parts(value: object, rules: Rules): Iterable<[string, () => unknown, string | undefined]> {
  if (Array.isArray(value)) {
    // Not Object.entries: it leaves out what is missing in between.
    for (let i = 0; i < value.length; i++)
      yield [String(i), () => value[i], i in value ? undefined : 'missing in its array'];
    for (const name of Object.keys(value)) {
      if (!(Number(name) < value.length)) yield [name, () => undefined, 'a named property of an array'];
    }
    return;
  }
  const ownParts = rules.partsOf?.(value);
  if (ownParts !== undefined) {
    for (const [name, part] of ownParts) yield [name, () => part, undefined];
    return;
  }
  if (value instanceof Map) {
    for (const [key, part] of value) {
      yield [String(key), () => key, undefined];
      yield [String(key), () => part, undefined];
    }
  } else if (value instanceof Set) {
    let index = 0;
    for (const part of value) yield [String(index++), () => part, undefined];
  }
  const collection =
    value instanceof Map || value instanceof Set ? 'a named property of a collection' : undefined;
  const named = value as Record<string, unknown>;
  for (const name of Object.keys(value)) {
    const verdict = rules.ofName(name);
    yield [name, () => named[name], verdict === FINE ? collection : verdict.cannot];
  }
}

/** `a Socket`, `an object`: what an error calls an object. */
export function nameOf(value: object): string {
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return `a ${typeof name === 'string' && name !== '' ? name : 'class'}`;
}
