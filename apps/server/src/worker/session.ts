import type { WaitOptions } from '@millrace/channel';
import type { SessionCloseReason } from '../packet.js';

/** What a session does by its worker. */
export interface SessionLine {
  send(session: Session, bytes: Uint8Array): boolean;
  close(session: Session): void;
  drained(session: Session, options?: WaitOptions): Promise<void>;
}

/** Why and by whom a session was closed. */
export interface CloseInfo {
  /** Whether this side closed it: by `close`, at a limit, or because the server stops. */
  readonly byServer: boolean;
  readonly reason: SessionCloseReason;
}

/**
 * A client's connection, as its worker sees it. It belongs to the server and not to the worker: when the worker dies,
 * the connection stays, and the worker's replacement gets a new object for the same session.
 */
export class Session {
  /** Names the connection in the whole server; never reused while the server runs. */
  readonly id: number;
  /** Index of the listener that it came by: 0 for the server's own, then as `addListener` was called. */
  readonly port: number;
  /** `'192.0.2.1:40000'`; empty where a replaced worker has not been told yet. */
  remoteAddress: string;
  /** Whatever the handlers want to keep with the session; lost when the worker is replaced. */
  data: unknown;
  /** Promises of handlers that have not settled. */
  inFlight = 0;
  /** The client sends no more, and waits for its answers. */
  inputEnded = false;
  /** No longer open for `send`. */
  closed = false;
  readonly #line: SessionLine;

  constructor(id: number, port: number, remoteAddress: string, line: SessionLine) {
    this.id = id;
    this.port = port;
    this.remoteAddress = remoteAddress;
    this.#line = line;
  }

  /**
   * Sends bytes or text to the client. True: go on. False: accepted, but much is waiting, and `drained` tells when to go
   * on; or the session is `closed`, and nothing is sent. Throws a `ChannelError` with `ERR_MILLRACE_CHANNEL_FULL` when
   * the caller has gone on far beyond that.
   */
  send(data: string | Uint8Array): boolean {
    if (this.closed) return false;
    return this.#line.send(this, typeof data === 'string' ? Buffer.from(data) : data);
  }

  /** Resolves when there is room for more to send. */
  drained(options?: WaitOptions): Promise<void> {
    return this.#line.drained(this, options);
  }

  /** Closes the connection after everything sent before has gone out; does nothing when it is closed. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#line.close(this);
  }
}
