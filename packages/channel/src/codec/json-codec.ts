import { ChannelError } from '../errors.js';
import { isBareArray } from './array-rules.js';
import { hasToJson, isNamespace, isOfOwnProperties, isPlain, symbolIn } from './class-rules.js';
import type { Codec } from './codec.js';
import { FINE, MOST_DEPTH, nameOf, PARTS, type Rules, unsendable, type Verdict } from './unsendable.js';

/** Bytes of the memory that is kept for encoding; a larger message gets memory of its own. */
const SCRATCH_BYTES = 256 * 1024;
/** UTF-8 takes at most so many bytes for each unit of a string. */
const MOST_BYTES_PER_UNIT = 3;

/**
 * Values as JSON, for a peer that is not JavaScript, or for people to read.
 *
 * What `JSON.stringify` would drop or turn into something else in silence is refused with `ERR_MILLRACE_UNSENDABLE` and
 * its path: functions, symbols, BigInt, cycles, NaN, infinities and -0, bytes, undefined in an array, gaps,
 * properties that are named by symbols, and whatever has its contents elsewhere than in properties (Map, Set, RegExp, Error, promises, boxed primitives …). As in JSON, properties that are undefined are left out, and an object with `toJSON` (a Date, a
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
    throw unsendable(value, jsonRules, error);
  }
  throw unsendable(value, jsonRules);
}

/** Whether JSON keeps every part of `value`, by {@link jsonRules}, which say which part it does not. */
function isSendable(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return isJsonNumber(value);
    case 'object':
      return value === null || isSendableObject(value, depth);
    default:
      return false;
  }
}

function isSendableObject(value: object, depth: number): boolean {
  const list = Array.isArray(value);
  if (hasToJson(value) || (!list && Object.getPrototypeOf(value) !== Object.prototype)) {
    const verdict = ofObject(value);
    if (verdict !== PARTS) return verdict === FINE;
  }
  if (depth === MOST_DEPTH) return false;
  if (list) {
    for (let i = 0; i < value.length; i++) if (!isSendable(value[i], depth + 1)) return false;
    // A gap reads as undefined, which has been refused.
    return isBareArray(value);
  }
  const named = value as Record<string, unknown>;
  const names = Object.keys(named);
  if (symbolIn(value) !== undefined || (names.length === 0 && isNamespace(value))) return false;
  for (let i = 0; i < names.length; i++) {
    const part = named[names[i] as string];
    if (part !== undefined && !isSendable(part, depth + 1)) return false;
  }
  return true;
}

function isJsonNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

const jsonRules: Rules = {
  of(value) {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return FINE;
      case 'number':
        return isJsonNumber(value) ? FINE : { cannot: numberName(value) };
      case 'object':
        return value === null ? FINE : ofObject(value);
      case 'undefined':
        return { cannot: 'undefined' };
      default:
        return { cannot: `a ${typeof value}` };
    }
  },
  // JSON.parse makes own properties, whatever they are called, and JSON escapes what is no text.
  ofName: () => FINE,
  keepsUndefined: false,
};

function numberName(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function ofObject(value: object): Verdict {
  // It says itself what is sent.
  if (hasToJson(value) && !ArrayBuffer.isView(value)) return FINE;
  if (isPlain(value)) return !Array.isArray(value) && isNamespace(value) ? { cannot: nameOf(value) } : PARTS;
  return isOfOwnProperties(value) ? PARTS : { cannot: nameOf(value) };
}
