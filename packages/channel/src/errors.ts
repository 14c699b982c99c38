/** What an error says besides its message. */
export interface MillraceErrorOptions extends ErrorOptions {
  /** What was given, or found, that cannot be. */
  readonly value?: unknown;
  /** What it may be at most, or what is in the way. */
  readonly limit?: unknown;
  /** Of a failed system call: its name, and the kernel's number for the reason. Default: those of `cause`. */
  readonly syscall?: string | undefined;
  readonly errno?: number | undefined;
  readonly errnoName?: string | undefined;
}

/**
 * What the errors of all packages extend, so that one `instanceof` tells them from others. `Code` is the closed set of the codes
 * of a class: they are stable, programs decide by them, and each belongs to one class (docs/errors.md lists them).
 *
 * Notes. A property that an error has no use for is absent: what Node prints of an error ends with its properties.
 */
export class MillraceError<Code extends string = string> extends Error {
  readonly code: Code;
  declare readonly value?: unknown;
  declare readonly limit?: unknown;
  declare readonly syscall?: string;
  /** The kernel's number for the reason, positive, and its name: 28, `'ENOSPC'`. */
  declare readonly errno?: number;
  declare readonly errnoName?: string;

  constructor(code: Code, message: string, options?: MillraceErrorOptions) {
    super(message, options);
    this.code = code;
    if (options === undefined) return;
    if ('value' in options) this.#tell('value', options.value);
    if (options.limit !== undefined) this.#tell('limit', options.limit);
    const call = options.errno === undefined ? failedCallOf(options.cause) : options;
    for (const name of ['syscall', 'errno', 'errnoName'] as const)
      if (call[name] !== undefined) this.#tell(name, call[name]);
  }

  #tell(name: string, value: unknown): void {
    Object.defineProperty(this, name, { value, enumerable: true });
  }
}

/** The system call that an error tells of, Node's included: these count below zero, and their code is the number's name. */
function failedCallOf(error: unknown): Pick<MillraceErrorOptions, 'syscall' | 'errno' | 'errnoName'> {
  const { syscall, errno, errnoName, code } = Object(error) as Partial<SystemFailure>;
  if (typeof errno !== 'number') return {};
  return { syscall, errno: Math.abs(errno), errnoName: errnoName ?? code };
}

interface SystemFailure extends NodeJS.ErrnoException {
  readonly errnoName: string;
}

/** The closed set of codes that errors of a channel carry. Codes are stable; messages are not. */
export type ChannelErrorCode =
  /** The channel has been closed, or the other side has. */
  | 'ERR_MILLRACE_CHANNEL_CLOSED'
  /** `receive` or iteration on a channel whose messages go to a listener. */
  | 'ERR_MILLRACE_CHANNEL_LISTENING'
  /** `receive` or iteration on a channel whose messages are views, which are valid only during a listener's call. */
  | 'ERR_MILLRACE_CHANNEL_BORROWS'
  /** More is waiting to be sent than the channel's limit allows; nothing of this message was taken. */
  | 'ERR_MILLRACE_CHANNEL_FULL'
  /** One message is larger than the transport carries; nothing of it was taken. */
  | 'ERR_MILLRACE_MESSAGE_TOO_LARGE'
  /** The value holds something that has no meaning in another process; `path` says where. */
  | 'ERR_MILLRACE_UNSENDABLE'
  /** Bytes arrived that are not a message of this channel's codec. */
  | 'ERR_MILLRACE_BAD_MESSAGE';

export class ChannelError extends MillraceError<ChannelErrorCode> {
  override readonly name = 'ChannelError';
  /** `ERR_MILLRACE_UNSENDABLE`: where in the value, as `value.user.socket`. */
  readonly path: string | undefined;

  constructor(code: ChannelErrorCode, message: string, options?: MillraceErrorOptions & { path?: string }) {
    super(code, message, options);
    this.path = options?.path;
  }
}

export type TimeoutErrorCode =
  /** A wait ended by its time-out, which is `limit`, in milliseconds. */
  'ERR_MILLRACE_TIMEOUT';

/** A wait of any package has ended by its time-out. */
export class TimeoutError extends MillraceError<TimeoutErrorCode> {
  override readonly name = 'TimeoutError';
  declare readonly limit: number;

  /** `what` has not happened: `'The connection'`. */
  constructor(what: string, timeout: number) {
    super('ERR_MILLRACE_TIMEOUT', `${what} did not happen within ${timeout} ms.`, { limit: timeout });
  }
}

/** The codes of wrong arguments, the same in all packages. */
export type ArgumentErrorCode =
  /** A time-out is NaN, negative or no number. */
  | 'ERR_MILLRACE_TIMEOUT_VALUE'
  /** A signal is no AbortSignal. */
  | 'ERR_MILLRACE_SIGNAL_VALUE'
  /** A value holds no bytes where bytes are needed. */
  | 'ERR_MILLRACE_BYTES'
  /** The members of a pool are no list of members. */
  | 'ERR_MILLRACE_MEMBERS_VALUE'
  /** Handlers are no object, or a handler is no function. */
  | 'ERR_MILLRACE_HANDLERS_VALUE'
  /** There is no event of that name; the message has the nearest one. */
  | 'ERR_MILLRACE_EVENT_NAME'
  /** There is no option of that name; the message has the nearest one. */
  | 'ERR_MILLRACE_UNKNOWN_OPTION';

/** An invalid argument: one rule, and so one class, for all packages. */
export class ArgumentError extends MillraceError<ArgumentErrorCode> {
  override readonly name = 'ArgumentError';
  /** Which argument or option it was; `value` is what came. */
  readonly argument: string;

  constructor(
    code: ArgumentErrorCode,
    message: string,
    options: MillraceErrorOptions & { readonly argument: string; readonly value: unknown },
  ) {
    super(code, message, options);
    this.argument = options.argument;
  }
}

/** Characters of a text that a message shows. */
const MOST_SHOWN = 100;

/** What came, for a message: calls nothing that could throw. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > MOST_SHOWN ? `${value.slice(0, MOST_SHOWN)}…` : value);
    case 'bigint':
      return `${value}n`;
    case 'function':
      return 'a function';
    case 'object':
      return value === null ? 'null' : describeObject(value);
    default:
      return String(value);
  }
}

/** `an array`, `a Date`: what an object is. */
function describeObject(value: object): string {
  if (Array.isArray(value)) return 'an array';
  let name: unknown;
  try {
    name = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)?.constructor?.name;
  } catch {
    // Every access to a proxy may throw.
  }
  if (typeof name !== 'string' || name === '' || name === 'Object') return 'an object';
  return `${/^[AEIOU]/i.test(name) ? 'an' : 'a'} ${name}`;
}
