import { getSystemErrorName, inspect } from 'node:util';
import { MillraceError } from '@millrace/channel/errors';

/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type NativeErrorCode =
  /** A system call failed; `errno`, `errnoName` and `syscall` say which and why. */
  | 'ERR_MILLRACE_SYSCALL'
  /** The addon could not be found or loaded on this machine. */
  | 'ERR_MILLRACE_ADDON_MISSING'
  /** More memory was asked for than the machine has free. */
  | 'ERR_MILLRACE_NO_MEMORY'
  /** A mapped memory was used after it had been closed. */
  | 'ERR_MILLRACE_MEMORY_CLOSED'
  /** A function was given what it cannot take: the message names the function, the argument, the value and what it may be. */
  | 'ERR_MILLRACE_ARGUMENT'
  /** /proc is not mounted, or cannot be read: processes cannot be identified without it. */
  | 'ERR_MILLRACE_NO_PROC'
  /** A name leads to an object that another user has made, or may change. */
  | 'ERR_MILLRACE_UNTRUSTED'
  /** An address that is neither an IPv4 nor an IPv6 literal nor a usable socket path, or a port that is none. */
  | 'ERR_MILLRACE_BAD_ADDRESS';

export class NativeError extends MillraceError<NativeErrorCode> {
  override readonly name: string = 'NativeError';
}

/** A function of the addon was given what it cannot take; nothing has reached the kernel. */
export class SystemCallArgumentError extends NativeError {
  override readonly name = 'SystemCallArgumentError';
  /** The function: `'close'`. */
  readonly call: string;
  /** Its argument, as {@link Syscalls} names it: `'fd'`. */
  readonly argument: string;
  /** What it may be: `'an integer from 0 to 1'`. */
  readonly expected: string;
  declare readonly value: unknown;

  constructor(call: string, argument: string, expected: string, value: unknown) {
    super('ERR_MILLRACE_ARGUMENT', `${call}: ${argument} must be ${expected}, not ${shown(value)}.`, {
      value,
    });
    this.call = call;
    this.argument = argument;
    this.expected = expected;
  }
}

function shown(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 100 });
}

/** Names that Node does not know, since none of its calls fails with them. */
const LIBUV_LACKS: Readonly<Record<number, string>> = { 42: 'ENOMSG', 43: 'EIDRM' };

/** A failed system call. */
export class SystemCallError extends NativeError {
  override readonly name = 'SystemCallError';
  /** The error number as the kernel gave it, positive: 98. */
  declare readonly errno: number;
  /** Its name: `'EADDRINUSE'`. */
  declare readonly errnoName: string;
  /** The call that failed: `'bind'`. */
  declare readonly syscall: string;
  /** What it was called on, where that has a name: `'0.0.0.0:9501'`. */
  readonly object: string | undefined;

  constructor(syscall: string, errno: number, object?: string, advice?: string) {
    const errnoName = LIBUV_LACKS[errno] ?? getSystemErrorName(-errno);
    const on = object === undefined ? '' : ` ${object}`;
    super('ERR_MILLRACE_SYSCALL', `${syscall}${on}: ${errnoName} (${errno})${advice ? `. ${advice}` : ''}`, {
      syscall,
      errno,
      errnoName,
    });
    this.object = object;
  }
}

/** Returns `result`, or throws a {@link SystemCallError} when it is a negated errno. */
export function check(result: number, syscall: string, object?: string): number {
  if (result < 0) throw new SystemCallError(syscall, -result, object);
  return result;
}
