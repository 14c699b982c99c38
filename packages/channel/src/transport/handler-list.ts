import { didYouMean } from '../arguments/option-names.js';
import { ArgumentError, shown } from '../errors.js';

/**
 * The handlers of one event, which are called in the order in which they were added.
 *
 * Notes. `call` is the only handler itself where there is one, so that an event with one handler costs a direct call. Of several,
 * one that throws keeps no other from being called; what was thrown is thrown once all have been.
 */
export class HandlerList<T> {
  /** Calls every handler; undefined when there is none. */
  call: ((value: T) => void) | undefined;
  #handlers: readonly ((value: T) => void)[] = [];
  readonly #over: () => boolean;

  /** `over`: whether handlers after the one that has just been called are to be left out. */
  constructor(over: () => boolean = () => false) {
    this.#over = over;
  }

  add(handler: (value: T) => void): void {
    this.#set([...this.#handlers, handler]);
  }

  /** Removes `handler`, of one that was added several times the latest addition. */
  remove(handler: (value: T) => void): void {
    const at = this.#handlers.lastIndexOf(handler);
    if (at >= 0) this.#set(this.#handlers.toSpliced(at, 1));
  }

  clear(): void {
    this.#set([]);
  }

  #set(handlers: readonly ((value: T) => void)[]): void {
    this.#handlers = handlers;
    this.call = handlers.length > 1 ? (value) => this.#callEach(handlers, value) : handlers[0];
  }

  #callEach(handlers: readonly ((value: T) => void)[], value: T): void {
    let errors: unknown[] | undefined;
    for (const handler of handlers) {
      try {
        handler(value);
      } catch (error) {
        errors ??= [];
        errors.push(error);
      }
      if (this.#over()) break;
    }
    if (errors === undefined) return;
    throw errors.length === 1
      ? errors[0]
      : new AggregateError(errors, 'Several handlers of one event threw.');
  }
}

/** Throws `ERR_MILLRACE_EVENT_NAME` or `ERR_MILLRACE_HANDLERS_VALUE` where `on` cannot add `handler`. */
export function checkHandler(
  name: unknown,
  handler: unknown,
  known: readonly string[],
  of: string,
): asserts handler is (value: unknown) => void {
  if (!known.includes(name as string))
    throw new ArgumentError(
      'ERR_MILLRACE_EVENT_NAME',
      `${of} has no event ${typeof name === 'string' ? `'${name}'` : shown(name)}${didYouMean(String(name), known)}`,
      { argument: 'name', value: name },
    );
  if (typeof handler !== 'function')
    throw new ArgumentError(
      'ERR_MILLRACE_HANDLERS_VALUE',
      `The handler of '${name}' is a function, not ${shown(handler)}.`,
      { argument: 'handler', value: handler },
    );
}
