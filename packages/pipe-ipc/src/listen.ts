import {
  type Channel,
  checkOptions,
  optionNames,
  type Poller,
  type PollRegistration,
} from '@millrace/channel';
import { NodePoller, SystemCallError } from '@millrace/native';
import { bindUnix, type SocketFile } from '@millrace/native/internal';
import {
  AF_UNIX,
  check,
  EAGAIN,
  ECONNABORTED,
  EINTR,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  encodeUnixAddress,
  SOCK_SEQPACKET,
  SOCKADDR_BYTES,
  syscalls,
} from '@millrace/native/syscalls';
import { openOwnPipe, PIPE_OPTION_NAMES, type PipeOptions } from './pipe.js';

export interface PipeListenerOptions<Out, In> extends PipeOptions<Out, In> {
  /** Connections that the kernel keeps ready; at most `net.core.somaxconn`. Default 128. */
  readonly backlog?: number;
  /** Permissions of the socket file, for example `0o600`. Default: what the umask leaves. */
  readonly permissions?: number;
  /** Told when a connection could not be accepted, such as `EMFILE`. Default: thrown out of the loop. */
  readonly onError?: (error: Error) => void;
}

const LISTENER_OPTIONS = optionNames<PipeListenerOptions<unknown, unknown>>({
  ...PIPE_OPTION_NAMES,
  backlog: true,
  permissions: true,
  onError: true,
});
const DEFAULT_BACKLOG = 128;
/** Connections taken before other work of the loop gets its turn. */
const ACCEPT_BATCH = 64;
/** Milliseconds until a listener that has run out of descriptors or memory tries again. */
const RETRY_MS = 100;
const EXHAUSTED = [EMFILE, ENFILE, ENOBUFS, ENOMEM];

/**
 * Listens at a unix socket of messages (SOCK_SEQPACKET): `onPipe` is given a channel for each process that connects.
 *
 * `path` is a file, or a name of the abstract namespace with a leading NUL. A file that a crashed listener left is
 * replaced; one with a listener is `EADDRINUSE`. Throws `SystemCallError`, `ERR_MILLRACE_BAD_ADDRESS`.
 */
export function listenPipe<Out, In = Out>(
  path: string,
  onPipe: (pipe: Channel<Out, In>) => void,
  options: PipeListenerOptions<Out, In> = {},
): PipeListener {
  checkOptions(options, LISTENER_OPTIONS, 'listenPipe()');
  const fd = check(syscalls.socket(AF_UNIX, SOCK_SEQPACKET, 0), 'socket');
  try {
    const file = bindUnix(fd, path, encodeUnixAddress({ path }), SOCK_SEQPACKET, options.permissions);
    try {
      check(syscalls.listen(fd, options.backlog ?? DEFAULT_BACKLOG), 'listen', path);
    } catch (error) {
      file.remove();
      throw error;
    }
    const accepted = (connection: number) => onPipe(openOwnPipe<Out, In>(connection, options));
    return new PipeListener(fd, path, file, accepted, options.poller ?? new NodePoller(), options.onError);
  } catch (error) {
    syscalls.close(fd);
    throw error;
  }
}

/** A listening socket. `close` ends it and removes its file; the channels that it made go on. */
export class PipeListener implements Disposable {
  readonly path: string;
  readonly #fd: number;
  readonly #file: SocketFile;
  readonly #accepted: (fd: number) => void;
  readonly #onError: ((error: Error) => void) | undefined;
  readonly #registration: PollRegistration;
  readonly #address = new Uint8Array(SOCKADDR_BYTES);
  #retry: NodeJS.Timeout | undefined;
  #kept = true;
  #closed = false;

  /** Made by {@link listenPipe}. */
  constructor(
    fd: number,
    path: string,
    file: SocketFile,
    accepted: (fd: number) => void,
    poller: Poller,
    onError: ((error: Error) => void) | undefined,
  ) {
    this.#fd = fd;
    this.path = path;
    this.#file = file;
    this.#accepted = accepted;
    this.#onError = onError;
    this.#registration = poller.add(fd, () => this.#accept());
    this.#registration.update({ read: true, write: false });
  }

  ref(): this {
    this.#kept = true;
    this.#registration.ref();
    this.#retry?.ref();
    return this;
  }

  unref(): this {
    this.#kept = false;
    this.#registration.unref();
    this.#retry?.unref();
    return this;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#registration.close();
    // The file first: a client that connects in between finds no socket, rather than one that is about to close.
    this.#file.remove();
    syscalls.close(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #accept(): void {
    for (let count = 0; count < ACCEPT_BATCH && !this.#closed; count++) {
      const connection = syscalls.accept(this.#fd, this.#address);
      if (connection >= 0) this.#accepted(connection);
      else if (connection === -EAGAIN) return;
      else if (connection !== -EINTR && connection !== -ECONNABORTED) return this.#failed(-connection);
    }
  }

  /** The connection waits in the backlog, readable: without a pause the loop would spin until there is room. */
  #failed(errno: number): void {
    if (EXHAUSTED.includes(errno)) {
      this.#registration.update({ read: false, write: false });
      this.#retry = setTimeout(() => this.#registration.update({ read: true, write: false }), RETRY_MS);
      if (!this.#kept) this.#retry.unref();
    }
    const error = new SystemCallError('accept', errno, this.path);
    if (this.#onError === undefined) throw error;
    this.#onError(error);
  }
}
