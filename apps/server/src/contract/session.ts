import type { Bytes, WaitOptions } from '@millrace/channel';
import type { ClientInfo } from './client-info.js';
import type { SessionCloseReason } from './close-reasons.js';
import type { SessionData } from './types.js';

/** Why a session was closed, and by which side. */
export interface CloseInfo {
  /** Whether this side closed it: by `close`, at a limit, or because the server stops. */
  readonly byServer: boolean;
  readonly reason: SessionCloseReason;
}

export interface SendFileRange {
  /** First byte to send. Default 0. */
  readonly offset?: number;
  /** Bytes to send. Default: all from `offset`. */
  readonly length?: number;
}

export interface CloseOptions {
  /** At once, without what waits for the client. */
  readonly reset?: boolean;
}

/**
 * A client's connection, as a worker sees it. It belongs to the server and not to the worker: when the worker dies,
 * the connection stays, and the worker's replacement gets a new object for the same session. In the dispatch modes
 * that give a session's messages to several workers, each of them has an object of its own.
 */
export interface Session {
  /** Names the connection in the whole server; never reused while the server runs. */
  readonly id: number;
  /** Index of the listener that it came by: 0 for the server's own, then as `addListener` was called. */
  readonly port: number;
  /** `'192.0.2.1:40000'`; empty where this worker has not been told, and for a unix socket. */
  readonly remoteAddress: string;
  /**
   * Whatever the handlers of this worker want to keep with the session; lost when the worker is replaced. Its type is what the
   * program says in `Types`.
   */
  data: SessionData;
  /** The client sends no more, and waits for its answers. */
  readonly inputEnded: boolean;
  /** No longer open for `send`. */
  readonly closed: boolean;

  /**
   * Sends bytes or text to the client. True: go on. False: sent, but more than `bufferHighWatermark` waits for the
   * client, and `drained` tells when to go on. Undefined: the session is `closed`, and nothing is sent; that a client goes before its
   * answer is no error. Throws `ERR_MILLRACE_SESSION_FULL` when the caller has gone on past false and more than `socketBufferSize` waits;
   * nothing is sent then either.
   */
  send(data: string | Bytes): boolean | undefined;

  /**
   * Sends a regular file, or a piece of it, behind what was sent before, without reading it to memory where the kernel
   * can. Answers as `send`. At most 64 files wait for one client. Throws `ERR_MILLRACE_FILE`, or what `statSync` throws.
   */
  sendFile(path: string, range?: SendFileRange): boolean | undefined;

  /** Resolves with true when there is room for more to send, with false when the session is closed or closes. */
  drained(options?: WaitOptions): Promise<boolean>;

  /**
   * Closes the connection after everything sent before has gone out, or at once with `reset`, which may follow on a close
   * that waits for its client. False: it is closed, or that was asked for before.
   */
  close(options?: CloseOptions): boolean;

  /** Reads no more from the client until `resume`; messages that are on their way still come. False: not open. */
  pause(): boolean;
  resume(): boolean;

  /** Exempts it from `heartbeatIdleTime` and `maxIdleTime`. False: not open. */
  protect(on?: boolean): boolean;

  /** Gives it a uid, for `dispatchMode: 'uid'`; once. False: not open, or bound before. */
  bind(uid: number): boolean;

  /** What the server knows of the client; in a `close` handler too, and undefined some time after that. */
  readonly info: ClientInfo | undefined;
}
