import { ChannelError } from './errors.js';

/** Classes whose instances arrive as what they were. Arrays, plain objects and primitives are always sendable. */
const SENDABLE = [Map, Set, Date, RegExp, Error, ArrayBuffer];

/**
 * Explains why `value` could not be encoded: finds the first part that has no meaning in another process, and names
 * its path. Walks the whole value, so it is called only once encoding has failed. `cause` is that failure.
 */
export function unsendable(value: unknown, cause: unknown): ChannelError {
  const found = find(value, 'value', new Set());
  if (found === undefined) {
    return new ChannelError(
      'ERR_MILLRACE_UNSENDABLE',
      `The value cannot be encoded: ${(cause as Error)?.message}`,
      {
        cause,
        path: 'value',
      },
    );
  }
  const [path, what] = found;
  return new ChannelError(
    'ERR_MILLRACE_UNSENDABLE',
    `${path} is ${what}, which cannot be sent to another process.`,
    {
      cause,
      path,
    },
  );
}

function find(value: unknown, path: string, ancestors: Set<unknown>): [string, string] | undefined {
  if (typeof value === 'function') return [path, 'a function'];
  if (typeof value === 'symbol') return [path, 'a symbol'];
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined;
  if (ancestors.has(value)) return [path, 'a reference back to an object that contains it'];
  const prototype = Object.getPrototypeOf(value);
  const plain = prototype === Object.prototype || prototype === null || Array.isArray(value);
  if (!plain && !SENDABLE.some((type) => value instanceof type))
    return [path, `a ${prototype.constructor?.name ?? 'class'}`];
  ancestors.add(value);
  for (const [key, part] of entries(value)) {
    const found = find(part, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, ancestors);
    if (found) return found;
  }
  ancestors.delete(value);
  return undefined;
}

function* entries(value: object): Iterable<[string, unknown]> {
  if (value instanceof Map) {
    for (const [key, part] of value) yield [String(key), part];
  } else if (value instanceof Set) {
    let index = 0;
    for (const part of value) yield [String(index++), part];
  } else {
    yield* Object.entries(value);
  }
}
