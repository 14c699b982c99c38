import { hasProperties, isForJson, isNamespace, isOfOwnProperties, isPlain } from './class-rules.js';
import { isPlainError, isPlainText, partsOfError } from './odd-values.js';
import { isStrange } from './strange-views.js';
import { FINE, nameOf, ODD, PARTS, type Rules, type Verdict } from './unsendable.js';

/** What MessagePack carries, as the codec's documentation says it. */
export const msgpackRules: Rules = {
  of(value) {
    switch (typeof value) {
      case 'string':
        return isPlainText(value) ? FINE : ODD;
      case 'number':
        return Object.is(value, -0) ? ODD : FINE;
      case 'function':
        return { cannot: 'a function' };
      case 'symbol':
        return { cannot: 'a symbol' };
      case 'object':
        return value === null ? FINE : ofObject(value);
      default:
        return FINE;
    }
  },
  ofName(name) {
    // A reader that copies properties by assignment would set the prototype; msgpackr renames it.
    if (name === '__proto__') return { cannot: 'a property that is called __proto__' };
    return isPlainText(name) ? FINE : { cannot: 'a property whose name is no well-formed text' };
  },
  partsOf(value) {
    if (Object.getPrototypeOf(value) === Object.prototype) return undefined;
    if (sendsJson(value)) {
      const json: unknown = value.toJSON();
      return json === value ? undefined : [['toJSON()', json]];
    }
    return value instanceof Error ? partsOfError(value) : undefined;
  },
  keepsUndefined: true,
};

function ofObject(value: object): Verdict {
  if (Array.isArray(value)) return PARTS;
  if (isPlain(value)) return isNamespace(value) ? { cannot: tagOf(value) } : PARTS;
  if (ArrayBuffer.isView(value)) return isStrange(value) ? { cannot: nameOf(value) } : FINE;
  if (value instanceof Map) {
    // msgpackr goes by the class itself.
    return value.constructor === Map ? PARTS : ODD;
  }
  if (value instanceof Set) return PARTS;
  // It would arrive with a length that is fixed.
  if (value instanceof ArrayBuffer && isResizable(value)) return { cannot: 'a resizable ArrayBuffer' };
  if (value instanceof Date || value instanceof ArrayBuffer)
    return hasProperties(value) ? { cannot: named(value) } : FINE;
  if (value instanceof RegExp) return ofPattern(value);
  if (value instanceof Error) return isForJson(value) || isPlainError(value) ? PARTS : ODD;
  return isForJson(value) || isOfOwnProperties(value) ? PARTS : { cannot: nameOf(value) };
}

function ofPattern(pattern: RegExp): Verdict {
  if (hasProperties(pattern) || !isPlainText(pattern.source)) return { cannot: named(pattern) };
  if (pattern.lastIndex === 0) return FINE;
  return Number.isInteger(pattern.lastIndex)
    ? ODD
    : { cannot: 'a RegExp whose lastIndex is no whole number' };
}

/** TypeScript's library for ES2023 does not know of it. */
function isResizable(buffer: ArrayBuffer): boolean {
  return (buffer as { readonly resizable?: boolean }).resizable === true;
}

function named(value: object): string {
  return `${nameOf(value)} with properties of its own`;
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

/** Whether msgpackr sends what its class makes of it. */
function sendsJson(value: object): value is { toJSON(): unknown } {
  return !isPlain(value) && !(value instanceof Date) && !(value instanceof Map) && isForJson(value);
}
