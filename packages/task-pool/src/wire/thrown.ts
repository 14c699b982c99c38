/**
 * What a task threw, in a form that can be sent. Errors lie in a list and name each other by their index, so cycles
 * arrive as such; a value has its errors taken out, and `links` says where they were.
 */
import { types } from 'node:util';
import {
  ArgumentError,
  ChannelError,
  Frame,
  MillraceError,
  msgpackCodec,
  TimeoutError,
} from '@millrace/channel';
import { TaskError } from '../errors.js';

export interface Thrown {
  readonly root: DescribedValue;
  readonly errors: readonly DescribedError[];
}

type Key = string | number;

export interface DescribedValue {
  readonly value: unknown;
  readonly links: readonly (readonly [path: readonly Key[], error: number])[];
  /** Paths of what could not be sent. */
  readonly left: readonly string[];
}

export interface DescribedError extends DescribedValue {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** The class that it is of, or that its class extends, of those that every process has; and its own class's name. */
  readonly base: string;
  readonly type: string;
}

/** Classes of errors that every process has, those that extend another one first. */
export const BASES: Readonly<Record<string, new (...args: never[]) => Error>> = {
  TaskError,
  ChannelError,
  ArgumentError,
  TimeoutError,
  MillraceError,
  AggregateError,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  Error,
};

/** Errors in one another that are sent; further ones are left out, and named. */
const MAX_ERRORS = 100;
/** Parts of values that are visited: a part that is referenced many times is sent as often. */
const MAX_PARTS = 10_000;
const MAX_DEPTH = 100;
/** Paths that are named, of all that are left out. */
const MAX_NAMED = 100;
/** Described by themselves. */
const OWN = new Set(['name', 'message', 'stack', '__proto__']);
/** Not enumerable, but part of an error's meaning. */
export const HIDDEN: readonly string[] = ['cause', 'errors'];

const codec = msgpackCodec<unknown>();
const frame = new Frame();
const NOTHING = Buffer.alloc(0);

export function describeThrown(thrown: unknown): Thrown {
  const description = new Description();
  return { root: description.describe(thrown), errors: description.errors };
}

class Description {
  readonly errors: DescribedError[] = [];
  readonly #indexes = new Map<unknown, number>();
  #parts = 0;

  describe(value: unknown): DescribedValue {
    const links: [Key[], number][] = [];
    const left: string[] = [];
    return { value: this.#copy(value, [], links, left), links, left };
  }

  /** Its index in the list; undefined when there are too many. */
  #error(error: Error): number | undefined {
    const known = this.#indexes.get(error);
    if (known !== undefined || this.errors.length === MAX_ERRORS) return known;
    const index = this.errors.length;
    this.#indexes.set(error, index);
    // Its place: those in it come after it, and may name it.
    this.errors.push(plainly(error));
    const properties: Record<string, unknown> = {};
    const links: [Key[], number][] = [];
    const left: string[] = [];
    const keys = new Set([...Object.keys(error), ...HIDDEN.filter((key) => Object.hasOwn(error, key))]);
    for (const key of keys) if (!OWN.has(key)) this.#part(error, key, properties, [], links, left);
    leaveSymbols(error, [], left);
    this.errors[index] = { ...(this.errors[index] as DescribedError), value: properties, links, left };
    return index;
  }

  /** Copies what can be sent. Errors become links; what cannot be sent is left out, and named. */
  #copy(value: unknown, path: Key[], links: [Key[], number][], left: string[]): unknown {
    if (this.#parts++ > MAX_PARTS || path.length > MAX_DEPTH) return leave(path, left);
    if (isError(value)) {
      const index = this.#error(value);
      if (index === undefined) return leave(path, left);
      links.push([path, index]);
      return undefined;
    }
    if (!isPlain(value)) return isSendable(value) ? value : leave(path, left);
    if (this.#indexes.has(value)) return leave(path, left);
    // Only while its parts are visited: a second reference is no cycle.
    this.#indexes.set(value, -1);
    const copy: unknown[] | Record<string, unknown> = Array.isArray(value) ? [] : {};
    for (const key of Object.keys(value)) {
      if (key === '__proto__') leave([...path, key], left);
      else this.#part(value, Array.isArray(value) ? Number(key) : key, copy, path, links, left);
    }
    leaveSymbols(value, path, left);
    this.#indexes.delete(value);
    return copy;
  }

  #part(from: object, key: Key, to: object, path: Key[], links: [Key[], number][], left: string[]): void {
    const at = [...path, key];
    const before = left.length;
    let part: unknown;
    try {
      part = this.#copy((from as Record<Key, unknown>)[key], at, links, left);
    } catch {
      // A getter or a proxy that throws when it is read.
      leave(at, left);
    }
    // What is left out is not there, rather than undefined; in an array its neighbours keep their places.
    if (part !== undefined || left.length === before || Array.isArray(to))
      (to as Record<Key, unknown>)[key] = part;
  }
}

/** The same without properties, causes and values that are no errors: it can always be made, and sent. */
export function describePlainly(thrown: unknown): Thrown {
  if (isError(thrown))
    return { root: { value: undefined, links: [[[], 0]], left: [] }, errors: [plainly(thrown)] };
  return { root: { value: inWords(thrown), links: [], left: [] }, errors: [] };
}

/** An error as it is, anything else in words. */
export function asError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(inWords(thrown));
}

/** Why a value could not be sent. Our own errors are short and can be sent whole; others come from the value itself. */
export function describeRefusal(error: unknown): Thrown {
  const ours = error instanceof TaskError || error instanceof ChannelError;
  return ours ? describeThrown(error) : describePlainly(error);
}

let lacking: Thrown | undefined;

/**
 * The abort reason of a task when `taskTmpdir` has no room for the caller's own; one and the same. It is made when it is first needed: to
 * describe an error takes milliseconds the first time, which is no time for the start of a process.
 */
export function noReason(): Thrown {
  lacking ??= describePlainly(
    new DOMException(
      'The caller no longer waits for the result. Its reason is large, and no file could be written to taskTmpdir for it.',
      'AbortError',
    ),
  );
  return lacking;
}

/** An error of any realm, a DOMException too. */
export function isError(value: unknown): value is Error {
  try {
    return types.isNativeError(value) || value instanceof Error;
  } catch {
    // A proxy may throw whatever is asked of it.
    return false;
  }
}

function plainly(error: Error): DescribedError {
  const stack = read(error, 'stack');
  const { base, type } = classOf(error);
  const left: string[] = [];
  // What else it has; where it can be sent, it takes the place of this.
  try {
    for (const key of Object.keys(error)) if (!OWN.has(key)) leave([key], left);
  } catch {
    left.push('…');
  }
  return {
    name: inWords(read(error, 'name')),
    message: inWords(read(error, 'message')),
    // `Error.prepareStackTrace` may make anything of it.
    stack: typeof stack === 'string' ? sendableText(stack) : undefined,
    base,
    type,
    value: {},
    links: [],
    left,
  };
}

function classOf(error: Error): { readonly base: string; readonly type: string } {
  if (error instanceof DOMException) return { base: 'DOMException', type: 'DOMException' };
  const type = inWords(read(read(error, 'constructor'), 'name'));
  try {
    for (let at = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
      // By name: an error of another realm is of classes that are called the same.
      const name: unknown = Object.hasOwn(at, 'constructor') ? at.constructor?.name : undefined;
      if (typeof name === 'string' && Object.hasOwn(BASES, name)) return { base: name, type };
    }
  } catch {
    // A proxy.
  }
  return { base: 'Error', type };
}

function read(from: unknown, key: string): unknown {
  try {
    return (from as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function leave(path: readonly Key[], left: string[]): undefined {
  if (left.length < MAX_NAMED) left.push(path.length === 0 ? 'value' : path.slice(0, 20).join('.'));
  return undefined;
}

/** Names what is named by symbols, which are no other process's. */
function leaveSymbols(value: object, path: readonly Key[], left: string[]): void {
  for (const symbol of Object.getOwnPropertySymbols(value))
    if (Object.prototype.propertyIsEnumerable.call(value, symbol)) leave([...path, String(symbol)], left);
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isSendable(value: unknown): boolean {
  try {
    codec.encode(value, frame);
    return true;
  } catch {
    return false;
  } finally {
    frame.setBody(NOTHING);
  }
}

function inWords(value: unknown): string {
  try {
    return sendableText(String(value));
  } catch {
    // An object without a prototype, or with a `toString` that throws.
    return 'a value that cannot be put into words';
  }
}

/** Half of a character alone has no UTF-8. */
function sendableText(text: string): string {
  return isSendable(text) ? text : text.replace(/\p{Surrogate}/gu, '\ufffd');
}
