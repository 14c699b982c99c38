import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { until, within } from './deadline.js';

/** A client that a test talks through: sends, and waits for what must come back. */
export class TestClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    socket.on('close', () => {
      this.#ended = true;
    });
    socket.on('error', () => {});
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<TestClient> {
    const socket = connect({ port, host, allowHalfOpen: true });
    const client = new TestClient(socket);
    await within(
      `a connection to port ${port}`,
      new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      }),
    );
    return client;
  }

  /** A client that has come through a TLS handshake; `socket` is a `TLSSocket`. */
  static async connectTls(port: number, options: ConnectionOptions): Promise<TestClient> {
    const halfOpen = { allowHalfOpen: true };
    const socket: TLSSocket = connectTls({ port, host: '127.0.0.1', ...options, ...halfOpen });
    const client = new TestClient(socket);
    await within(
      `a TLS connection to port ${port}`,
      new Promise<void>((resolve, reject) => {
        socket.once('secureConnect', resolve);
        socket.once('error', reject);
      }),
    );
    return client;
  }

  get received(): Buffer {
    return this.#received;
  }

  /** Whether the connection is closed. */
  get ended(): boolean {
    return this.#ended;
  }

  send(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** Sends no more, and goes on receiving. */
  finish(): void {
    this.socket.end();
  }

  /** Waits until this many bytes are there, takes them off and returns them. */
  async take(length: number): Promise<Buffer> {
    await until(
      () => `${length} bytes, of ${this.#received.length}`,
      () => this.#received.length >= length,
    );
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  /** Waits for a line, for so many milliseconds at most, and returns it without its end. */
  async line(timeout?: number): Promise<string> {
    const look = () => {
      const index = this.#received.indexOf('\n');
      // Of a connection that is over nothing more is waited for.
      return index < 0 && !this.#isOver ? undefined : { index };
    };
    const end = await until('a line', look, timeout === undefined ? {} : { deadlineMs: timeout });
    if (end.index < 0) throw new Error('The connection has ended, and no line has come.');
    return (await this.take(end.index + 1)).toString('utf8', 0, end.index);
  }

  /** Sends a line and returns the one that comes back. */
  async ask(line: string): Promise<string> {
    this.send(`${line}\n`);
    return this.line();
  }

  /** Waits until the server has ended the connection; whatever had come before stays in `received`. */
  async serverClosed(): Promise<void> {
    await until('the end of the connection', () => this.#isOver);
  }

  get #isOver(): boolean {
    return this.#ended || this.socket.readableEnded || this.socket.destroyed;
  }

  close(): void {
    this.socket.destroy();
  }
}
