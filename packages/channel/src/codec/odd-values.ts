import { isForJson, isPlain, symbolIn } from './class-rules.js';
import { addExtension } from './msgpackr.js';

/** The number of this extension of MessagePack. Of its own from 1 to 100 msgpackr uses none below 0x62 but 0x42. */
const EXTENSION = 0x55;

const TEXT = 0;
const NEGATIVE_ZERO = 1;
const ERROR = 2;
const PATTERN = 3;

/** Stands for a value that MessagePack has no form for, or that msgpackr would change, in what is packed. */
class Odd {
  readonly form: readonly unknown[];

  constructor(...form: readonly unknown[]) {
    this.form = form;
  }
}

addExtension({
  Class: Odd,
  type: EXTENSION,
  write: ({ form }: Odd) => form,
  read: (form: unknown) => revived(form as readonly unknown[]),
});

function revived([kind, ...rest]: readonly unknown[]): unknown {
  if (kind === TEXT) return (rest[0] as Buffer).toString('utf16le');
  if (kind === NEGATIVE_ZERO) return -0;
  if (kind === PATTERN) return pattern(rest as [string, string, number]);
  const [name, message, parts, ofWeb] = rest as [
    string,
    string,
    readonly (readonly [string, unknown])[],
    boolean,
  ];
  const error = makeError(name, message, ofWeb);
  for (const [key, value] of parts)
    Object.defineProperty(error, key, {
      value,
      writable: true,
      configurable: true,
      enumerable: !HIDDEN.has(key),
    });
  return error;
}

function pattern([source, flags, lastIndex]: readonly [string, string, number]): RegExp {
  return Object.assign(new RegExp(source, flags), { lastIndex });
}

const CLASSES: Readonly<Record<string, ErrorConstructor>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

function makeError(name: string, message: string, ofWeb: boolean): Error {
  if (ofWeb) return new DOMException(message, name);
  const error =
    name === 'AggregateError' ? new AggregateError([], message) : new (CLASSES[name] ?? Error)(message);
  if (error.name !== name)
    Object.defineProperty(error, 'name', { value: name, writable: true, configurable: true });
  return error;
}

/** Properties of an error that are no data of its maker's, or are sent in any case. */
const SENT = new Set(['name', 'message', 'stack']);
/** Those that are not enumerable where JavaScript makes them. */
const HIDDEN = new Set(['cause', 'errors']);

/** What an error has besides its name, message and stack. */
export function* partsOfError(error: Error): Iterable<readonly [string, unknown]> {
  const named = error as unknown as Record<string, unknown>;
  for (const name of HIDDEN) if (Object.hasOwn(error, name)) yield [name, named[name]];
  for (const name of Object.keys(error)) if (!SENT.has(name) && !HIDDEN.has(name)) yield [name, named[name]];
  // Refused as what it is named by.
  const symbol = symbolIn(error);
  if (symbol !== undefined) yield [String(symbol), symbol];
}

/** Whether it is a DOMException, which need not have been loaded for that. */
function isOfWeb(error: Error): boolean {
  return error.constructor.name === 'DOMException';
}

/** Whether msgpackr, which sends the name, the message and the cause, would send all of it. */
export function isPlainError(error: Error): boolean {
  if (
    isOfWeb(error) ||
    Object.hasOwn(error, 'errors') ||
    !isPlainText(error.name) ||
    !isPlainText(error.message)
  )
    return false;
  for (const name of Object.keys(error)) if (!SENT.has(name) && name !== 'cause') return false;
  return true;
}

const BYTE_ORDER_MARK = 0xfeff;

/** Every Node from 20 on has it, TypeScript's library for ES2023 has not. */
type WellFormable = string & { isWellFormed(): boolean };

/** Whether UTF-8 can express it, and a reader does not take its beginning for a byte-order mark. */
export function isPlainText(text: string): boolean {
  return (text as WellFormable).isWellFormed() && text.charCodeAt(0) !== BYTE_ORDER_MARK;
}

/** A copy of `value` with what is odd in another form; what is in it has been found to be sendable. */
export function inOtherForm(value: unknown): unknown {
  if (typeof value === 'string')
    return isPlainText(value) ? value : new Odd(TEXT, Buffer.from(value, 'utf16le'));
  if (typeof value === 'number') return Object.is(value, -0) ? new Odd(NEGATIVE_ZERO) : value;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(inOtherForm);
  if (value instanceof Map)
    return new Map([...value].map(([key, part]) => [inOtherForm(key), inOtherForm(part)]));
  if (value instanceof Set) return new Set([...value].map(inOtherForm));
  if (value instanceof RegExp && value.lastIndex !== 0)
    return new Odd(PATTERN, value.source, value.flags, value.lastIndex);
  if (value instanceof Date || value instanceof RegExp || value instanceof ArrayBuffer) return value;
  if (!isPlain(value) && isForJson(value)) {
    const json: unknown = value.toJSON();
    if (json !== value) return inOtherForm(json);
  }
  if (value instanceof Error) {
    const parts = [...partsOfError(value)].map(([name, part]) => [name, inOtherForm(part)]);
    return new Odd(ERROR, inOtherForm(value.name), inOtherForm(value.message), parts, isOfWeb(value));
  }
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, inOtherForm(part)]));
}
