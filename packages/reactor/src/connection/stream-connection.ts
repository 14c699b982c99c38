import type { Bytes } from '@millrace/channel';
import type { SendFileOptions } from '../output/outgoing-file.js';

/** Why a connection is over. */
export type CloseReason =
  /** `close` or `destroy` was called here, or `end` and the other side had ended before, or did not within its time. */
  | 'local'
  /** The other side closed it or broke it off. */
  | 'peer'
  /** A frame was longer than the limit or had an impossible length. */
  | 'malformed'
  /** More output waited than `maxOutput` allows, and `overflow` says `'destroy'`. */
  | 'output-limit'
  /** A system call failed, or a file could not be sent whole; `error` says how. */
  | 'error';

export interface EndOptions {
  /**
   * Milliseconds that the other side has for its own end, once this end has been sent; then the connection is closed
   * (`onClose` says `'local'`, and `inputEnded` is false). Default: those given before, or Infinity.
   */
  readonly timeout?: number | undefined;
}

export interface DestroyOptions {
  /**
   * Whether the other side is told that it was broken off: a TCP connection, with or without TLS, is reset, and so never
   * taken for one that came to its end. A unix socket knows no such thing. Default false.
   */
  readonly reset?: boolean | undefined;
  /** What `onClose` is told. Default `'local'`. */
  readonly reason?: CloseReason | undefined;
  readonly error?: Error | undefined;
}

/** What every connection can do, whatever lies between it and its descriptor. `Connection` says what each member does. */
export interface StreamConnection<Context = undefined> {
  readonly context: Context;
  readonly closed: boolean;
  readonly inputEnded: boolean;
  readonly paused: boolean;
  readonly queuedBytes: number;
  readonly hasUnread: boolean;
  readonly memoryBytes: number;
  readonly inputBytes: number;
  readonly missingBytes: number;
  readonly writableFd: number;
  /** Missing where no frame ever is. */
  readonly frameIsOwn?: boolean;
  write(data: Bytes | string, start?: number, end?: number): boolean;
  /** Only where `writableFd` can be a descriptor. */
  wrote?(data: Uint8Array, start: number, end: number, result: number): void;
  sendFile(path: string, options?: SendFileOptions): boolean;
  pause(): void;
  resume(): void;
  recut(): void;
  end(options?: EndOptions): void;
  close(): void;
  destroy(options?: DestroyOptions): void;
}
