import type { Bytes } from '@millrace/channel';
import type { SendFileOptions } from '../output/outgoing-file.js';
import type { CloseReason } from './connection-options.js';

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
