import { ChannelError } from '@millrace/channel';
import { BASES, type DescribedError, type DescribedValue, HIDDEN, type Thrown } from './thrown.js';

/** Classes created for names that this process does not have; further ones become the base class. */
const MAX_CLASSES = 1_000;
type ErrorClass = new (...args: never[]) => Error;
const classes = new Map<string, ErrorClass>();

/**
 * What was thrown, as like it as this process can make it: an error of a class that this process does not have is of one
 * of that name, which extends the built-in class that the other extended. Where parts could not be sent, an error
 * names them in `unsendable`.
 */
export function reviveThrown(thrown: Thrown): unknown {
  try {
    const errors = thrown.errors.map(make);
    for (const [index, description] of thrown.errors.entries())
      fill(errors[index] as Error, description, errors);
    return reviveRoot(thrown.root, errors);
  } catch (cause) {
    return new ChannelError('ERR_MILLRACE_BAD_MESSAGE', 'What the task threw cannot be read.', { cause });
  }
}

function reviveRoot({ value, links, left }: DescribedValue, errors: readonly Error[]): unknown {
  const holder = { value };
  for (const [path, index] of links) put(holder, ['value', ...path], errors[index]);
  if (left.length === 0) return holder.value;
  const message = `What the task threw is no error, and cannot be sent whole; not sent: ${left.join(', ')}. 'cause' is the rest.`;
  return new ChannelError('ERR_MILLRACE_UNSENDABLE', message, {
    cause: holder.value,
    path: left[0] as string,
  });
}

/** Gives an error what it had of its own, once all errors are there. */
function fill(error: Error, { value, links, left }: DescribedError, errors: readonly Error[]): void {
  const properties = value as Record<string, unknown>;
  for (const [path, index] of links) put(properties, path, errors[index]);
  for (const key of Object.keys(properties)) {
    // As the built-in classes have these.
    define(error, key, properties[key], !HIDDEN.includes(key));
  }
  if (left.length > 0) Object.assign(error, { unsendable: left });
}

/** Goes by own properties alone: what comes from another process must not reach a prototype. */
function put(into: object, path: readonly (string | number)[], error: Error | undefined): void {
  let at: object = into;
  for (const key of path.slice(0, -1)) {
    const next: unknown = Object.hasOwn(at, key) ? at[key as keyof object] : undefined;
    if (typeof next !== 'object' || next === null) throw new TypeError(`There is no ${path.join('.')}.`);
    at = next;
  }
  define(at, path.at(-1) as string, error, true);
}

function define(on: object, key: string | number, value: unknown, enumerable: boolean): void {
  Object.defineProperty(on, key, { value, configurable: true, writable: true, enumerable });
}

function make({ base, type, name, message, stack }: DescribedError): Error {
  const error = base === 'DOMException' ? new DOMException(message, name) : construct(base, type, message);
  if (error.name !== name) define(error, 'name', name, false);
  define(error, 'stack', stack, false);
  return error;
}

/** Without calling its constructor, whose parameters are unknown. */
function construct(base: string, type: string, message: string): Error {
  const known = Object.hasOwn(BASES, base) ? (BASES[base] as ErrorClass) : (Error as ErrorClass);
  const named = type === base ? known : classOf(known, type);
  return Reflect.construct(Error, [message], named) as Error;
}

function classOf(base: ErrorClass, type: string): ErrorClass {
  const key = `${base.name} ${type}`;
  let made = classes.get(key);
  if (made === undefined) {
    if (classes.size === MAX_CLASSES) return base;
    made = class extends (base as new () => Error) {};
    Object.defineProperty(made, 'name', { value: type });
    classes.set(key, made);
  }
  return made;
}
