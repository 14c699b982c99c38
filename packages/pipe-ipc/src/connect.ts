import { setTimeout as sleep } from 'node:timers/promises';
import {
  checkOptions,
  checkWait,
  optionNames,
  type TransportChannel,
  WAIT_OPTION_NAMES,
  type WaitOptions,
} from '@millrace/channel';
import { deadlineAfter } from '@millrace/channel/internal';
import { SystemCallError, type TrustedUsers } from '@millrace/native';
import { assertTrusted } from '@millrace/native/internal';
import {
  AF_UNIX,
  check,
  EAGAIN,
  ECONNREFUSED,
  EINTR,
  ENOENT,
  type EncodedAddress,
  encodeUnixAddress,
  SOCK_SEQPACKET,
  syscalls,
} from '@millrace/native/syscalls';
import { PipeError } from './errors.js';
import { openOwnPipe, PIPE_OPTION_NAMES, type PipeOptions } from './pipe.js';

export interface ConnectPipeOptions<Out, In> extends PipeOptions<Out, In>, WaitOptions {
  /** Whether to wait for a listener that is not there yet, rather than to be refused at once. Default false. */
  readonly wait?: boolean;
  /** Users, besides root and this process's, whose listener is taken: any user may have made the name first. Default: none. */
  readonly trustedUsers?: TrustedUsers;
}

const CONNECT_OPTIONS = optionNames<ConnectPipeOptions<unknown, unknown>>({
  ...PIPE_OPTION_NAMES,
  ...WAIT_OPTION_NAMES,
  wait: true,
  trustedUsers: true,
});

/** Milliseconds that connecting may take, unless `timeout` says otherwise. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Milliseconds between attempts: unix sockets do not tell when a full backlog has room, or a listener has come. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/**
 * Connects to a {@link listenPipe} at `path`. Rejects with `ERR_MILLRACE_PIPE_REFUSED` when there is no listener or its
 * backlog stays full for `timeout` milliseconds (5,000), with the signal's reason, with a `SystemCallError`, or with an
 * `UntrustedError` where another user listens.
 */
export async function connectPipe<Out, In = Out>(
  path: string,
  options: ConnectPipeOptions<Out, In> = {},
): Promise<TransportChannel<Out, In>> {
  checkOptions(options, CONNECT_OPTIONS, 'connectPipe()');
  const { signal, timeout = CONNECT_TIMEOUT_MS, wait = false } = options;
  checkWait({ signal, timeout });
  const address = encodeUnixAddress({ path });
  const end = deadlineAfter(timeout);
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const result = attempt(path, address);
    if (result >= 0) return openOwnPipe<Out, In>(trusted(result, path, options), options);
    const absent = result === -ECONNREFUSED || result === -ENOENT;
    if (absent && !wait) throw refused(path, 'there is no listener', result);
    if (performance.now() >= end) {
      const why = absent ? 'no listener appeared within the time-out' : 'its backlog stayed full';
      throw refused(path, `${why} for ${timeout} ms`, result);
    }
    try {
      await sleep(pause, undefined, { signal });
    } catch (error) {
      // The timer's own error has the reason as its cause only.
      signal?.throwIfAborted();
      throw error;
    }
  }
}

/** A connected descriptor, or the negated errno of what may pass. */
function attempt(path: string, address: EncodedAddress): number {
  const fd = check(syscalls.socket(AF_UNIX, SOCK_SEQPACKET, 0), 'socket');
  const result = syscalls.connect(fd, address.bytes, address.length);
  if (result >= 0) return fd;
  syscalls.close(fd);
  if ([ECONNREFUSED, ENOENT, EAGAIN, EINTR].includes(-result)) return result;
  throw new SystemCallError('connect', -result, path);
}

/** The descriptor, if the user who listens may be trusted with what is sent; closed otherwise. */
function trusted(
  fd: number,
  path: string,
  { trustedUsers }: Pick<ConnectPipeOptions<unknown, unknown>, 'trustedUsers'>,
): number {
  try {
    const user = check(syscalls.peerUser(fd), 'getsockopt', path);
    const advice = 'Listen in a directory that only this user may write, or name the user in `trustedUsers`.';
    assertTrusted(`The listener at ${JSON.stringify(path)}`, user, trustedUsers, advice);
    return fd;
  } catch (error) {
    syscalls.close(fd);
    throw error;
  }
}

function refused(path: string, why: string, result: number): PipeError {
  const cause = new SystemCallError('connect', -result, path);
  return new PipeError('ERR_MILLRACE_PIPE_REFUSED', `No connection to ${JSON.stringify(path)}: ${why}.`, {
    cause,
  });
}
