import { optionNames } from '@millrace/channel';
import { EPOLLET, EPOLLIN, EPOLLONESHOT, EPOLLOUT } from '@millrace/native/syscalls';
import { ReactorError } from '../errors.js';
import type { OutputQueue } from '../output/output-queue.js';

/** What a descriptor may be watched for. */
export type Interest = 'read' | 'write';

/** `'level'`: reported as long as it is ready. `'edge'`: reported when it becomes ready. */
export type Trigger = 'level' | 'edge';

/** What to do when a descriptor is ready. */
export interface WatchCallbacks {
  readonly onRead?: ((fd: number) => void) | null | undefined;
  readonly onWrite?: ((fd: number) => void) | null | undefined;
  /**
   * The descriptor has failed or was hung up, and is watched for neither reading nor writing; or output that `write`
   * had queued cannot be sent, `error` says why. Default: onRead or onWrite.
   */
  readonly onError?: ((fd: number, error?: Error) => void) | null | undefined;
}

export interface WatchOptions extends WatchCallbacks {
  /** Whether to watch for reading. Default: yes where an `onRead` is given, else as it was. */
  readonly read?: boolean | undefined;
  /** Whether to watch for writing. Default: yes where an `onWrite` is given, else as it was. */
  readonly write?: boolean | undefined;
  /** Default `'level'`. */
  readonly trigger?: Trigger | undefined;
  /** Reported once; the next `set` arms it again. Default false. */
  readonly oneShot?: boolean | undefined;
}

export interface AddOptions extends WatchOptions {
  /** The descriptor is known not to block, which saves two system calls. Default false: it is made not to block. */
  readonly nonBlocking?: boolean | undefined;
}

const WATCH_OPTION_NAMES = {
  onRead: true,
  onWrite: true,
  onError: true,
  read: true,
  write: true,
  trigger: true,
  oneShot: true,
} as const;
export const WATCH_OPTIONS = optionNames<WatchOptions>(WATCH_OPTION_NAMES);
export const ADD_OPTIONS = optionNames<AddOptions>({ ...WATCH_OPTION_NAMES, nonBlocking: true });

/** Nothing is called. */
const NO_CALLBACKS: WatchCallbacks = Object.freeze({});

// What a watch is, in bits.
/** A one-shot watch has reported, and reports no more before the next `set`. */
export const SPENT = 1;
/** Made by `write` for a descriptor that is not watched otherwise, until its output has gone. */
export const IMPLICIT = 2;
/** It does not keep `run`, or Node's loop, going. */
export const UNREFERENCED = 4;
/** Epoll does not have it: it has hung up while nothing was wanted. */
export const PARKED = 8;

/** How a descriptor is watched. */
export class Watch {
  callbacks = NO_CALLBACKS;
  /** Of several descriptors, which must not be changed. */
  shared = false;
  /** What epoll is asked for. */
  asked = 0;
  /** What the owner wants to be told: `EPOLLIN`, `EPOLLOUT`, both or neither. */
  wanted = 0;
  /** `EPOLLET` and `EPOLLONESHOT`, as chosen. */
  mode = 0;
  #is = 0;
  /** Bytes given to `write` that the kernel has not taken yet. */
  output: OutputQueue | undefined = undefined;

  /** One of a descriptor's own. */
  copy(): Watch {
    const copy = new Watch();
    copy.callbacks = this.callbacks;
    copy.asked = this.asked;
    copy.wanted = this.wanted;
    copy.mode = this.mode;
    copy.#is = this.#is;
    return copy;
  }

  /** `what`: `SPENT`, `IMPLICIT`, `UNREFERENCED` or `PARKED`. */
  is(what: number): boolean {
    return (this.#is & what) !== 0;
  }

  mark(what: number, on: boolean): void {
    this.#is = on ? this.#is | what : this.#is & ~what;
  }

  /** Takes what `options` say; what they do not name stays. Throws `ERR_MILLRACE_NO_CALLBACK` and then takes nothing. */
  change(fd: number, options: WatchOptions): void {
    const callbacks = this.#with(options);
    const read = options.read ?? (!!options.onRead || (this.wanted & EPOLLIN) !== 0);
    const write = options.write ?? (!!options.onWrite || (this.wanted & EPOLLOUT) !== 0);
    if (read && !callbacks.onRead) throw missing(fd, 'reading', 'onRead');
    if (write && !callbacks.onWrite) throw missing(fd, 'writing', 'onWrite');
    this.callbacks = callbacks;
    this.wanted = (read ? EPOLLIN : 0) | (write ? EPOLLOUT : 0);
    this.mark(SPENT, false);
    if (options.trigger !== undefined)
      this.mode = (this.mode & ~EPOLLET) | (options.trigger === 'edge' ? EPOLLET : 0);
    if (options.oneShot !== undefined)
      this.mode = (this.mode & ~EPOLLONESHOT) | (options.oneShot ? EPOLLONESHOT : 0);
  }

  /** What epoll is to be asked for now. */
  get events(): number {
    const own = this.is(SPENT) ? 0 : this.wanted;
    const flush = this.output !== undefined && !this.output.empty ? EPOLLOUT : 0;
    return own | flush | this.mode;
  }

  /** Its callbacks with those of `options`. */
  #with(options: WatchOptions): WatchCallbacks {
    const { onRead, onWrite, onError } = options;
    if (!onRead && !onWrite && !onError) return this.callbacks;
    return {
      onRead: onRead ?? this.callbacks.onRead,
      onWrite: onWrite ?? this.callbacks.onWrite,
      onError: onError ?? this.callbacks.onError,
    };
  }
}

function missing(fd: number, kind: string, callback: string): ReactorError {
  const message = `Descriptor ${fd} is to be watched for ${kind} without an ${callback}.`;
  return new ReactorError('ERR_MILLRACE_NO_CALLBACK', message);
}
