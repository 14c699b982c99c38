import type { Socket } from 'node:net';

/** A connection below HTTP: what lean reads from, sends to, and gives up to node:http. */
export interface LeanLink {
  /** The connection as the program knows it. */
  readonly socket: Socket;
  /** Whether what is sent by `send` goes out at once or behind what `send` was given before: nothing waits in the socket. */
  readonly isClear: boolean;
  send(data: string | Uint8Array, encoding: BufferEncoding): void;
  /** The same of an answer that is given whole and has ended: the first `length` of `bytes`, which are the caller's again once this returns. */
  sendAnswer(bytes: Buffer, length: number): void;
  /** Reads no more from the client until `resume`. */
  pause(): void;
  resume(): void;
  /**
   * node:http has the connection from here on: the server is to hear of it (`'connection'`), and to read `bytes` before what comes
   * next. Nothing more is given to the `LeanConnection`.
   */
  handOver(bytes: Buffer | undefined): void;
}
