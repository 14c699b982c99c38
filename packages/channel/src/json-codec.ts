import type { Codec } from './codec.js';
import { ChannelError } from './errors.js';
import { FINE, isPlain, MOST_DEPTH, nameOf, PARTS, unsendable, type Verdict } from './unsendable.js';

/** Bytes of the memory that is kept for encoding; a larger message gets memory of its own. */
const SCRATCH_BYTES = 256 * 1024;
/** UTF-8 takes at most so many bytes for each unit of a string. */
const MOST_BYTES_PER_UNIT = 3;

/**
 * Values as JSON, for a peer that is not JavaScript, or for a human that looks on.
 *
 * What `JSON.stringify` would drop or turn into something else in silence is refused with `ERR_MILLRACE_UNSENDABLE` and
 * its path: functions, symbols, BigInt, cycles, NaN and infinities, bytes, Map, Set, RegExp, Error, promises, and
 * undefined in an array. As in JSON, properties that are undefined are left out, and an object with `toJSON` (a Date, a
 * URL) arrives as what that returns.
 */
export function jsonCodec<Out, In = Out>(): Codec<Out, In> {
  const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  return {
    name: 'json',
    encode(value, frame) {
      const text = stringify(value);
      if (text.length * MOST_BYTES_PER_UNIT <= SCRATCH_BYTES) frame.setBody(scratch, 0, scratch.write(text));
      else frame.setBody(Buffer.from(text));
    },
    decode(memory, start, end) {
      try {
        return JSON.parse(memory.toString('utf8', start, end)) as In;
      } catch (cause) {
        const message = `${end - start} bytes are no JSON value: ${(cause as Error).message}`;
        throw new ChannelError('ERR_MILLRACE_BAD_MESSAGE', message, { cause });
      }
    },
  };
}

function stringify(value: unknown): string {
  try {
    if (isSendable(value, 0)) return JSON.stringify(value);
  } catch (error) {
    throw unsendable(value, jsonRule, error);
  }
  throw unsendable(value, jsonRule);
}

/** Whether JSON keeps every part of `value`; allocates nothing. `unsendable` says which part it does not. */
function isSendable(value: unknown, depth: number): boolean {
  const verdict = jsonRule(value);
  if (verdict !== PARTS) return verdict === FINE;
  if (depth === MOST_DEPTH) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isSendable(value[i], depth + 1)) return false;
    return true;
  }
  const parts = value as Record<string, unknown>;
  for (const key in parts) {
    if (!Object.hasOwn(parts, key)) continue;
    const part = parts[key];
    if (part !== undefined && !isSendable(part, depth + 1)) return false;
  }
  return true;
}

/** Classes that JSON makes `{}` of. */
const EMPTIED = [Map, Set, WeakMap, WeakSet, WeakRef, Promise, RegExp, Error, ArrayBuffer, SharedArrayBuffer];

function jsonRule(value: unknown): Verdict {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return FINE;
    case 'number':
      return Number.isFinite(value) ? FINE : { cannot: `${value}` };
    case 'object':
      return value === null ? FINE : objectRule(value);
    case 'undefined':
      return { cannot: 'undefined' };
    default:
      return { cannot: `a ${typeof value}` };
  }
}

function objectRule(value: object): Verdict {
  if (isPlain(value)) return hasToJson(value) ? FINE : PARTS;
  if (ArrayBuffer.isView(value)) return { cannot: nameOf(value) };
  if (hasToJson(value)) return FINE;
  return EMPTIED.some((type) => value instanceof type) ? { cannot: nameOf(value) } : PARTS;
}

function hasToJson(value: object): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}
