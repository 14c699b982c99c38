import { EPOLLIN, EPOLLOUT } from '@millrace/native';
import { ReactorError } from './errors.js';

/** What to do when a descriptor is ready. */
export interface WatchCallbacks {
  readonly onRead?: ((fd: number) => void) | undefined;
  readonly onWrite?: ((fd: number) => void) | undefined;
  /** The descriptor has failed or was hung up, and is neither readable nor writable. Default: onRead or onWrite. */
  readonly onError?: ((fd: number) => void) | undefined;
}

export interface WatchOptions extends WatchCallbacks {
  /** Whether to watch for reading. Default: whether there is an `onRead`. */
  readonly read?: boolean;
  /** Whether to watch for writing. Default: whether there is an `onWrite`. */
  readonly write?: boolean;
}

/** One watched descriptor; `generation` tells it from earlier ones that had the same number. */
export class Watch {
  onRead: ((fd: number) => void) | undefined;
  onWrite: ((fd: number) => void) | undefined;
  onError: ((fd: number) => void) | undefined;
  /** What epoll is asked for. */
  events = 0;

  constructor(
    readonly fd: number,
    readonly generation: number,
  ) {}

  /** Takes what `options` say; callbacks that are not named stay. Returns the events to ask for. */
  change(options: WatchOptions): number {
    if (options.onRead) this.onRead = options.onRead;
    if (options.onWrite) this.onWrite = options.onWrite;
    if (options.onError) this.onError = options.onError;
    const read = options.read ?? this.onRead !== undefined;
    const write = options.write ?? this.onWrite !== undefined;
    if ((read && !this.onRead) || (write && !this.onWrite)) {
      const kind = read && !this.onRead ? 'reading' : 'writing';
      throw new ReactorError(
        'ERR_MILLRACE_NO_CALLBACK',
        `Descriptor ${this.fd} is watched for ${kind} without a callback.`,
      );
    }
    return (read ? EPOLLIN : 0) | (write ? EPOLLOUT : 0);
  }
}
