import { ChannelError } from './errors.js';

/**
 * What a codec says of one value, its parts aside: it arrives as it is, its parts decide, or it cannot be sent, being
 * what the text says.
 */
export type Verdict = typeof FINE | typeof PARTS | { readonly cannot: string };
export const FINE = 0;
export const PARTS = 1;
export type Rule = (value: unknown) => Verdict;

/** Levels of objects in one another that are looked at; codecs recurse, and a stack has an end. */
export const MOST_DEPTH = 1_000;
/** What is said of a getter or a proxy that throws. */
const THROWS = { cannot: 'something that throws when it is looked at' };
/** Characters of a path that an error shows. */
const MOST_PATH = 200;

/**
 * Explains why `value` could not be encoded: finds the first part that has no meaning in another process, and names
 * its path. Walks the whole value, so it is called only once encoding has failed. `cause` is that failure.
 */
export function unsendable(value: unknown, rule: Rule, cause?: unknown): ChannelError {
  const found = find(value, 'value', rule, new Set());
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
  rule: Rule,
  ancestors: Set<unknown>,
): [string, string] | undefined {
  if (ancestors.has(value)) return [path, 'a reference back to an object that contains it'];
  const verdict = judge(value, rule);
  if (verdict === FINE) return undefined;
  if (verdict !== PARTS) return [path, verdict.cannot];
  if (ancestors.size === MOST_DEPTH) {
    return [`${path.slice(0, MOST_PATH)}…`, `more than ${MOST_DEPTH} levels deep`];
  }
  ancestors.add(value);
  const list = Array.isArray(value);
  let place = path;
  try {
    for (const [key, read] of parts(value as object)) {
      place = list ? `${path}[${key}]` : `${path}.${key}`;
      const part = read();
      if (part === undefined && !list) continue;
      const found = find(part, place, rule, ancestors);
      if (found) return found;
    }
  } catch {
    return [place, THROWS.cannot];
  }
  ancestors.delete(value);
  return undefined;
}

function judge(value: unknown, rule: Rule): Verdict {
  try {
    return rule(value);
  } catch {
    return THROWS;
  }
}

/** The name and the value of each part; reading one may throw. */
function* parts(value: object): Iterable<[string, () => unknown]> {
  if (value instanceof Map) {
    for (const [key, part] of value) yield [String(key), () => part];
  } else if (value instanceof Set) {
    let index = 0;
    for (const part of value) yield [String(index++), () => part];
  } else if (Array.isArray(value)) {
    // Not Object.entries: it leaves out what is missing in between.
    for (let index = 0; index < value.length; index++) yield [String(index), () => value[index]];
  } else {
    const named = value as Record<string, unknown>;
    for (const key of Object.keys(value)) yield [key, () => named[key]];
  }
}

/** `a Socket`, `an object`: what an error calls an object. */
export function nameOf(value: object): string {
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return `a ${typeof name === 'string' && name !== '' ? name : 'class'}`;
}

/** Whether `value` is an array or an object without a class. */
export function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
