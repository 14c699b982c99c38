import { Socket } from 'node:net';
import { type Keeper, type KeptRequest, RESUMABLE, type WebSocketOwner } from '../contract/resumable.js';
import type { TrackedResponse } from './response-ledger.js';
import type { Chunk, Done, SessionLink } from './session-link.js';
import { remoteEnd, type SocketEnd, socketEnd } from './socket-host.js';

export interface SessionSocketOptions {
  /** As CONNECT tells it. */
  readonly remote: string;
  readonly local: SocketEnd;
  readonly allowHalfOpen: boolean;
  readonly highWaterMark?: number | undefined;
}

/** What `net.Socket` has beyond its types. */
interface Untyped {
  _unrefTimer(): void;
  readonly _server: { _connections: number; _emitCloseIfDrained(): void } | null;
  readonly _readableState: { readonly decoder: unknown; readonly resumeScheduled: boolean };
  readonly _writableState: { getBuffer(): readonly Chunk[] };
}

/**
 * A connection as the program knows it: a `net.Socket` without a handle. What it reads comes from a reactor thread, what is written
 * goes there; the rest of it, its times, its events and how it ends, is what node:net makes of it.
 */
export class SessionSocket extends Socket {
  readonly #link: SessionLink;
  readonly #remote: SocketEnd;
  #local: SocketEnd;
  #message: TrackedResponse | null = null;
  #parser: unknown = null;

  constructor(link: SessionLink, { remote, local, allowHalfOpen, highWaterMark }: SessionSocketOptions) {
    super({ allowHalfOpen, ...(highWaterMark !== undefined && marks(highWaterMark)) });
    this.#link = link;
    this.#remote = remoteEnd(remote);
    this.#local = local;
    link.socket = this;
  }

  get #untyped(): Untyped {
    return this as unknown as Untyped;
  }

  // What node:net has by the handle -------------------------------------------------------------------------------------

  static {
    // Accessors in node:net as well, which its types call properties: so they cannot be overridden as such.
    const accessors: Readonly<Record<string, (this: SessionSocket) => unknown>> = {
      pending: () => false,
      bytesRead() {
        return this.#link.bytesRead;
      },
      bytesWritten() {
        let sum = this.#link.bytesWritten;
        for (const { chunk, encoding } of this.#untyped._writableState.getBuffer())
          sum += typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : chunk.length;
        return sum;
      },
      bufferSize() {
        return this.writableLength;
      },
    };
    for (const [name, get] of Object.entries(accessors))
      Object.defineProperty(SessionSocket.prototype, name, { get, configurable: true });
  }

  /** @internal By which `remoteAddress` and its like are. */
  _getpeername(): SocketEnd {
    return this.#remote;
  }

  /** @internal By which `localAddress` and its like are, and `address()`. */
  _getsockname(): SocketEnd {
    const { address, port } = this.#local;
    if (address !== '::' && address !== '0.0.0.0') return this.#local;
    // Of the addresses of the machine, the one that the client has come to.
    const own = this.#link.localHost;
    if (own !== undefined) this.#local = socketEnd(own, port as number);
    return this.#local;
  }

  /** A session keeps no process alive, and a worker lives without. */
  override ref(): this {
    return this;
  }

  override unref(): this {
    return this;
  }

  /** Nothing is to be set. A WebSocket of the package `ws` does this once it has everything that it reads and sends with. */
  override setNoDelay(on?: boolean): this {
    this.#link.mayBeWebSocket();
    return super.setNoDelay(on);
  }

  /** node:tls takes a socket without a handle for one that is still connecting, and waits for the end of that. */
  override once(event: string | symbol, listener: (...args: never[]) => void): this {
    if (event !== 'connect') return super.once(event as string, listener as () => void);
    process.nextTick(listener as () => void);
    return this;
  }

  // What node:http says by it -------------------------------------------------------------------------------------------

  /** @internal The response that has the socket. */
  get _httpMessage(): TrackedResponse | null {
    return this.#message;
  }

  set _httpMessage(response: TrackedResponse | null) {
    this.#message = response;
    this.#link.answers(response);
  }

  /** @internal The parser; where node:http gives it up, the connection speaks HTTP no more. */
  get parser(): unknown {
    return this.#parser;
  }

  set parser(parser: unknown) {
    const isUpgraded = parser === null && this.#parser !== null && !this.destroyed;
    this.#parser = parser;
    if (isUpgraded) this.#link.upgraded();
  }

  /** @internal What a WebSocket over it says that can go on in another process. */
  [RESUMABLE](request: KeptRequest, owner: WebSocketOwner): Keeper | undefined {
    return this.#link.keptBy(request, owner);
  }

  // What streams ask of it ----------------------------------------------------------------------------------------------

  /**
   * @internal Has the listeners of 'data' take bytes where the stream flows and nothing waits in it: what `push` comes to, without
   * a tick for each piece. False: they are to be pushed.
   */
  takesAtOnce(data: Buffer): boolean {
    const { _readableState } = this.#untyped;
    this.#untyped._unrefTimer();
    if (this.readableFlowing !== true || this.readableLength > 0) return false;
    if (_readableState.decoder !== null || _readableState.resumeScheduled) return false;
    this.emit('data', data);
    return true;
  }

  /** @internal Something has been read or written: the time-out that the program has set begins anew. */
  touch(): void {
    if (this.timeout) this.#untyped._unrefTimer();
  }

  override _read(): void {
    this.#link.wantsMore();
  }

  override _write(chunk: string | Uint8Array, encoding: BufferEncoding, callback: Done): void {
    this.#untyped._unrefTimer();
    this.#link.write(chunk, encoding, callback);
  }

  override _writev(chunks: readonly Chunk[], callback: Done): void {
    this.#untyped._unrefTimer();
    this.#link.writeAll(chunks, callback);
  }

  override _final(callback: Done): void {
    this.#link.finish(callback);
  }

  override destroySoon(): void {
    this.#link.closesSoon = true;
    super.destroySoon();
  }

  override resetAndDestroy(): this {
    this.#link.resets = true;
    return this.destroy();
  }

  override destroy(error?: Error): this {
    if (!this.destroyed) this.#link.beforeDestroy();
    return super.destroy(error);
  }

  /** As node:net has it for a socket with a handle, which alone tells the listeners of 'close' whether there was an error. */
  override _destroy(error: Error | null, callback: Done): void {
    const settleWrite = this.#link.destroyed(error === null);
    this.setTimeout(0);
    callback(error);
    settleWrite();
    process.nextTick(() => this.emit('close', error !== null));
    const { _server } = this.#untyped;
    if (_server === null) return;
    _server._connections--;
    _server._emitCloseIfDrained();
  }
}

function marks(highWaterMark: number) {
  return { readableHighWaterMark: highWaterMark, writableHighWaterMark: highWaterMark };
}
