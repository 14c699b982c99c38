import { MAX_DELAY_MS, MIN_DELAY_MS } from './constants.js';

/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type TimerErrorCode =
  /** A delay is no number from 1 to 2^52 ms. The message has the value and the limits. */
  | 'ERR_MILLRACE_TIMER_DELAY'
  /** A callback is no function. */
  | 'ERR_MILLRACE_TIMER_CALLBACK'
  /** There is no option of that name; the message lists those that there are. */
  | 'ERR_MILLRACE_TIMER_OPTION'
  /** The heap was closed before the call, or while the promise was pending. */
  | 'ERR_MILLRACE_TIMER_CLOSED'
  /** A pending `sleep` was cleared by its id or by `clearAll`. */
  | 'ERR_MILLRACE_TIMER_CLEARED';

export class TimerError extends Error {
  override readonly name: string = 'TimerError';
  readonly code: TimerErrorCode;

  constructor(code: TimerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What it is, for a message: strings are quoted, nothing that can throw is called. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** Throws `ERR_MILLRACE_TIMER_DELAY` unless `ms` is a delay that can be armed. */
export function checkDelay(ms: number): void {
  // Written so that NaN fails as well.
  if (typeof ms === 'number' && ms >= MIN_DELAY_MS && ms <= MAX_DELAY_MS) return;
  throw new TimerError(
    'ERR_MILLRACE_TIMER_DELAY',
    `A delay must be a number of milliseconds from ${MIN_DELAY_MS} to ${MAX_DELAY_MS} (2^52), got ${shown(ms)}.`,
  );
}

/** Throws `ERR_MILLRACE_TIMER_CALLBACK` unless `callback` can be called. */
export function checkCallback(callback: unknown): void {
  if (typeof callback === 'function') return;
  throw new TimerError(
    'ERR_MILLRACE_TIMER_CALLBACK',
    `A timer's callback must be a function, got ${shown(callback)}.`,
  );
}

export function closedError(): TimerError {
  return new TimerError('ERR_MILLRACE_TIMER_CLOSED', 'This TimerHeap has been closed; make another one.');
}

export function clearedError(id: number): TimerError {
  return new TimerError(
    'ERR_MILLRACE_TIMER_CLEARED',
    `The sleep on timer ${id} was cleared before its time.`,
  );
}

/** Throws `ERR_MILLRACE_TIMER_OPTION` for a name that is not among `known`: this package has none of the others' checks. */
export function checkOptions(options: object, known: readonly string[]): void {
  for (const name in options) {
    if (known.includes(name) || (options as Record<string, unknown>)[name] === undefined) continue;
    throw new TimerError(
      'ERR_MILLRACE_TIMER_OPTION',
      `There is no option '${name}'; there are: ${known.join(', ')}.`,
    );
  }
}
