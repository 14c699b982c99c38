import type { Bytes } from '@millrace/channel';
import type { SendFileOptions } from '../output/outgoing-file.js';

/** Why a connection is over. */
export type CloseReason =
  /** `close` or `destroy` was called here, or `end` after the other side had ended. */
  | 'local'
  /** The other side closed it or broke it off. */
  | 'peer'
  /** A frame was longer than the limit or had an impossible length. */
  | 'malformed'
  /** More output waited than `maxOutput` allows, and `overflow` says `'destroy'`. */
  | 'output-limit'
  /** A system call failed, or a file could not be sent whole; `error` says how. */
  | 'error';

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
  write(data: Bytes | string, start?: number, end?: number): boolean;
  sendFile(path: string, options?: SendFileOptions): boolean;
  pause(): void;
  resume(): void;
  end(): void;
  close(): void;
  destroy(reason?: CloseReason, error?: Error): void;
}
