import type { LeanConnection, LeanLink, LeanServer, leanWebSocket } from '@millrace/http';
import type { AttachedServer } from './attached-server.js';
import type { SessionLink } from './session-link.js';
import type { SessionSocket } from './session-socket.js';

/** What `@millrace/http` has for listeners whose engine is lean, which is loaded where there are some. */
export interface LeanEngine {
  readonly LeanServer: typeof LeanServer;
  readonly leanWebSocket: typeof leanWebSocket;
}

/** A session whose requests `@millrace/http` reads, until one comes that it leaves to node:http. */
export class LeanSession implements LeanLink {
  readonly #link: SessionLink;
  readonly #attached: AttachedServer;

  constructor(link: SessionLink, attached: AttachedServer) {
    this.#link = link;
    this.#attached = attached;
  }

  get socket(): SessionSocket {
    return this.#link.socket;
  }

  get isClear(): boolean {
    return this.#link.isClear;
  }

  /** Gives the input to `connection` from here on. */
  begin(connection: LeanConnection): void {
    this.#link.reader = connection;
  }

  send(data: string | Uint8Array, encoding: BufferEncoding): void {
    this.#link.send(data, encoding);
  }

  sendAnswer(bytes: Buffer, length: number): void {
    this.#link.sendAnswer(bytes, length);
  }

  pause(): void {
    this.#link.wantsNoMore();
  }

  resume(): void {
    this.#link.wantsMore();
  }

  handOver(bytes: Buffer | undefined): void {
    this.#link.reader = undefined;
    this.#attached.hear(this.socket);
    if (bytes !== undefined) this.#link.deliver(bytes);
  }
}
