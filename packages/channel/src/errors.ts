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
  | 'ERR_MILLRACE_BAD_MESSAGE'
  /** A wait ended by its time-out. */
  | 'ERR_MILLRACE_TIMEOUT';

export class ChannelError extends Error {
  override readonly name = 'ChannelError';
  readonly code: ChannelErrorCode;
  /** `ERR_MILLRACE_UNSENDABLE`: where in the value, as `value.user.socket`. */
  readonly path: string | undefined;

  constructor(code: ChannelErrorCode, message: string, options?: ErrorOptions & { path?: string }) {
    super(message, options);
    this.code = code;
    this.path = options?.path;
  }
}

/** What errors of any package say of a wrong argument, whichever function got it. */
export type ArgumentErrorCode =
  /** A time-out that is NaN, negative or no number. */
  | 'ERR_MILLRACE_TIMEOUT_VALUE'
  /** A signal that is no AbortSignal. */
  | 'ERR_MILLRACE_SIGNAL_VALUE'
  /** Something that holds no bytes where bytes are taken. */
  | 'ERR_MILLRACE_BYTES'
  /** An option that there is not; the message has the nearest name. */
  | 'ERR_MILLRACE_UNKNOWN_OPTION';

/** An argument that cannot be: one rule, and so one class, for all packages. */
export class ArgumentError extends TypeError {
  override readonly name = 'ArgumentError';
  readonly code: ArgumentErrorCode;
  /** Which argument or option it was, and what came. */
  readonly argument: string;
  readonly value: unknown;

  constructor(
    code: ArgumentErrorCode,
    message: string,
    { argument, value, ...options }: ErrorOptions & { readonly argument: string; readonly value: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.argument = argument;
    this.value = value;
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
    // A proxy may throw whatever is asked of it.
  }
  if (typeof name !== 'string' || name === '' || name === 'Object') return 'an object';
  return `${/^[AEIOU]/i.test(name) ? 'an' : 'a'} ${name}`;
}
