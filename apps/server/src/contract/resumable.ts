import type { Duplex } from 'node:stream';

/**
 * How a WebSocket library's server and the worker find each other: by names that are the same for every copy of this package that a
 * program has loaded, and without loading one for the other.
 */
export const RESUMABLE: unique symbol = Symbol.for('millrace.resumable') as never;
const RESUMERS: unique symbol = Symbol.for('millrace.resumers') as never;

/** The request that a WebSocket came by, as far as another process needs it. */
export interface KeptRequest {
  /** Of the {@link Resumer}. */
  readonly name: string;
  readonly url: string;
  /** Names and values in turn, as they came. */
  readonly headers: readonly string[];
  /** What the server has accepted of it: header lines of its answer. */
  readonly accepted: readonly string[];
}

/** A WebSocket of the program, as the worker needs it. */
export interface WebSocketOwner {
  /** Nothing is under way between its socket and the program, either way, and it is open. */
  readonly isIdle: boolean;
  /** It is open, and neither side has begun to close it. */
  readonly isOpen: boolean;
  /** The program is told that another process goes on with it, and is through with it when this resolves. */
  suspend(): Promise<void>;
  /** It is another process's: it ends here, and the program hears nothing more of it. */
  leave(): void;
  /** It is closed with 1011. */
  fail(): void;
}

/** What is kept of one session, to be written by the program. */
export interface Keeper {
  /** False: the session is not, or no longer, one that another process can go on with. */
  keep(state: Uint8Array): boolean;
  readonly canResume: boolean;
}

/** What another process has kept. */
export interface Kept {
  readonly request: KeptRequest;
  readonly state: Buffer | undefined;
  readonly messages: number;
  readonly unsettled: number;
}

/** What goes on with WebSockets of a process before. */
export interface Resumer {
  /**
   * Makes a WebSocket of a socket; undefined where it cannot be the same one. What it writes to the socket in this call is dropped: the
   * client has had it.
   */
  resume(socket: Duplex, kept: Kept, keeper: Keeper): ResumedWebSocket | undefined;
}

export interface ResumedWebSocket {
  readonly owner: WebSocketOwner;
  /** Has the program go on with it. */
  begin(): void | Promise<void>;
}

/** A socket over a session. */
export interface ResumableSocket {
  /** From here on another process can go on with the connection; undefined where none can. */
  [RESUMABLE]?(request: KeptRequest, owner: WebSocketOwner): Keeper | undefined;
}

/** The resumers of this process, by their names. */
export function resumers(): Map<string, Resumer> {
  const shared = globalThis as { [RESUMERS]?: Map<string, Resumer> };
  shared[RESUMERS] ??= new Map();
  return shared[RESUMERS];
}
