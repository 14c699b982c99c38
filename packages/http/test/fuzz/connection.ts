import { createServer, type RequestListener, type Server } from 'node:http';
import { Socket } from 'node:net';
import type { LeanConnection, LeanLink } from '@millrace/http';
import { LeanServer } from '@millrace/http';

type Done = (error?: Error | null) => void;

/** A connection without a kernel: what the client sends is pushed, what the server sends is kept. */
export class HeldSocket extends Socket {
  /** What the server has sent, a character for each byte. */
  readonly output: string[] = [];
  /** Is told how much that is. */
  sent: { bytes: number } | undefined;
  /** What the program had of its client. */
  readonly requests = { all: 0, lean: 0 };

  override _read(): void {}

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void {
    this.keep(chunk, encoding);
    done();
  }

  keep(chunk: Uint8Array | string, encoding: BufferEncoding): void {
    const text =
      encoding === 'latin1' && typeof chunk === 'string'
        ? chunk
        : Buffer.from(chunk as string, encoding).toString('latin1');
    this.output.push(text);
    if (this.sent !== undefined) this.sent.bytes += text.length;
  }

  override _writev(
    chunks: readonly { chunk: Buffer | string; encoding: BufferEncoding }[],
    done: Done,
  ): void {
    for (const { chunk, encoding } of chunks) this._write(chunk, encoding, () => {});
    done();
  }

  override _final(done: Done): void {
    done();
  }
}

/** A client of a server of node:http, or of one that is lean. */
export interface Client {
  readonly isLean: boolean;
  /** Requests that the program had of it, and those of them that lean has read. */
  readonly requests: { readonly all: number; readonly lean: number };
  /** Everything that the server has sent so far. */
  readonly output: string;
  /** Whether the server has ended its side. */
  readonly isEnded: boolean;
  send(bytes: Buffer): void;
  /** Forgets what the server has sent so far. */
  clear(): void;
  /** Sends no more. */
  end(): void;
  close(): void;
}

/** A server that nobody listens to, and its clients. */
export class Bench {
  readonly server: Server;
  readonly #lean: LeanServer | undefined;
  readonly #sent = { bytes: 0 };

  constructor(handler: RequestListener, isLean: boolean) {
    this.server = createServer(handler);
    this.#lean = isLean ? new LeanServer(this.server) : undefined;
  }

  /** Bytes that the server has sent to all its clients. */
  get sent(): number {
    return this.#sent.bytes;
  }

  connect(): Client {
    const socket = new HeldSocket({ allowHalfOpen: true });
    const link = this.#lean === undefined ? undefined : new HeldLink(socket, this.server);
    Object.assign(socket, { server: this.server });
    if (link === undefined) this.server.emit('connection', socket);
    else link.connection = this.#lean?.accept(link);
    socket.sent = this.#sent;
    return {
      requests: socket.requests,
      get isLean() {
        return link?.connection !== undefined;
      },
      get output() {
        return socket.output.join('');
      },
      get isEnded() {
        return socket.writableEnded || socket.destroyed;
      },
      send(bytes) {
        if (socket.destroyed) return;
        if (link?.connection !== undefined) link.connection.receivedIn(bytes, 0, bytes.length);
        else socket.push(bytes);
      },
      clear() {
        socket.output.length = 0;
      },
      end() {
        if (socket.destroyed) return;
        const end = () => {
          socket.push(null);
          socket.read(0);
        };
        // What was given up is read a turn before the end, as it was by the other one.
        if (link?.connection?.inputEnds() === true) setImmediate(end);
        else end();
      },
      close() {
        socket.destroy();
      },
    };
  }
}

class HeldLink implements LeanLink {
  readonly socket: HeldSocket;
  connection: LeanConnection | undefined;
  readonly #server: Server;

  constructor(socket: HeldSocket, server: Server) {
    this.socket = socket;
    this.#server = server;
  }

  get isClear(): boolean {
    return this.socket.writable && this.socket.writableLength === 0 && this.socket.writableCorked === 0;
  }

  send(data: string | Uint8Array, encoding: BufferEncoding): void {
    this.socket.keep(data, encoding);
  }

  sendAnswer(bytes: Buffer, length: number): void {
    this.socket.keep(bytes.subarray(0, length), 'latin1');
  }

  pause(): void {}

  resume(): void {}

  handOver(bytes: Buffer | undefined): void {
    this.connection = undefined;
    this.#server.emit('connection', this.socket);
    if (bytes !== undefined) this.socket.push(bytes);
  }
}
