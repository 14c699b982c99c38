import { ChannelError } from '@millrace/channel';
import { TaskError, type TaskErrorCode } from './errors.js';

/** What a task threw, in a form that can be sent: errors keep their name, message, stack, cause and own properties. */
export type Thrown =
  | { readonly kind: 'value'; readonly value: unknown }
  | {
      readonly kind: 'error';
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly cause: Thrown | undefined;
      readonly properties: Readonly<Record<string, unknown>>;
    };

/** How many causes of causes are sent; deeper ones are dropped, so that a chain that bites its tail has an end. */
const MAX_CAUSES = 8;

export function describeThrown(thrown: unknown, depth = 0): Thrown {
  if (!(thrown instanceof Error)) return { kind: 'value', value: thrown };
  const { name, message, stack, cause, ...properties } = thrown;
  return {
    kind: 'error',
    // Not own properties as a rule, so not among those taken above.
    name: name ?? thrown.name,
    message: message ?? thrown.message,
    stack: stack ?? thrown.stack,
    cause: cause === undefined || depth === MAX_CAUSES ? undefined : describeThrown(cause, depth + 1),
    properties,
  };
}

/** The same without own properties and causes that are no errors: it can always be made, and sent. */
export function describePlainly(thrown: unknown): Thrown {
  if (!(thrown instanceof Error)) return { kind: 'value', value: inWords(thrown) };
  const { name, message, stack } = thrown;
  return {
    kind: 'error',
    name: inWords(name),
    message: inWords(message),
    // `Error.prepareStackTrace` may make anything of it.
    stack: typeof stack === 'string' ? stack : undefined,
    cause: undefined,
    properties: {},
  };
}

/** An error as it is, anything else in words. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(inWords(thrown));
}

function inWords(value: unknown): string {
  try {
    return String(value);
  } catch {
    // An object without a prototype, or with a `toString` that throws.
    return 'a value that cannot be put into words';
  }
}

/** Why a value could not be sent. Our own errors are short and can be sent whole; others come from the value itself. */
export function describeRefusal(error: unknown): Thrown {
  const ours = error instanceof TaskError || error instanceof ChannelError;
  return ours ? describeThrown(error) : describePlainly(error);
}

/** What a task is told whose caller gave up for a reason that there is no room for. */
export const NO_REASON: Thrown = {
  kind: 'error',
  name: 'AbortError',
  message: 'Nobody waits for the result any more. The reason is large, and taskTmpdir took no file for it.',
  stack: undefined,
  cause: undefined,
  properties: {},
};

const BUILT_IN = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

export function reviveThrown(thrown: Thrown): unknown {
  if (thrown.kind === 'value') return thrown.value;
  const { name, message, stack, cause, properties } = thrown;
  if (name === 'TaskError') {
    const error = new TaskError(
      properties.code as TaskErrorCode,
      message,
      cause && { cause: reviveThrown(cause) },
    );
    return Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  }
  const type = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name as keyof typeof BUILT_IN] : Error;
  const error = new type(message, cause && { cause: reviveThrown(cause) });
  if (error.name !== name)
    Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  return Object.assign(error, properties);
}
