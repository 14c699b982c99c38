import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';
import { until, within } from '@millrace/testkit';

/** Where a wire leads: a port of this machine, with TLS where its options are given. */
export interface Target {
  readonly port: number;
  readonly tls?: ConnectionOptions;
}

/** How a connection has ended, as its client sees it. */
export type End = 'open' | 'end' | 'reset';

/** A connection whose bytes and whose end are kept as they came. */
export class Wire implements Disposable {
  readonly socket: Socket;
  #chunks: Buffer[] = [];
  #length = 0;
  #end: End = 'open';
  #closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
    });
    socket.on('end', () => {
      if (this.#end === 'open') this.#end = 'end';
    });
    socket.on('error', () => {
      if (this.#end === 'open') this.#end = 'reset';
    });
    socket.on('close', () => {
      if (this.#end === 'open') this.#end = 'end';
      this.#closed = true;
    });
  }

  static async connect({ port, tls }: Target): Promise<Wire> {
    const where = { port, host: '127.0.0.1', allowHalfOpen: true };
    const socket: Socket | TLSSocket = tls === undefined ? connect(where) : connectTls({ ...where, ...tls });
    const wire = new Wire(socket);
    await within(
      `a connection to port ${port}`,
      new Promise<void>((resolve, reject) => {
        socket.once(tls === undefined ? 'connect' : 'secureConnect', resolve);
        socket.once('error', reject);
      }),
    );
    socket.setNoDelay();
    return wire;
  }

  get received(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  get length(): number {
    return this.#length;
  }

  /** How the server's side has ended. */
  get end(): End {
    return this.#end;
  }

  /** Whether nothing more can come. */
  get isOver(): boolean {
    return this.#end !== 'open' || this.#closed;
  }

  /** Sends, and waits until the kernel has taken all of it or the connection is over. */
  async send(data: string | Uint8Array): Promise<void> {
    await within('the bytes to be taken', new Promise<void>((done) => this.socket.write(data, () => done())));
  }

  /** Sends no more, and goes on receiving. */
  finish(): void {
    this.socket.end();
  }

  /** Ends it with a reset; under TLS, which node cannot reset, without a word, and with a reset where bytes are unread. */
  reset(): void {
    if (this.socket instanceof TLSSocket) this.socket.destroy();
    else resetNow(this.socket);
  }

  /** Waits until a text is there, or nothing more can come. */
  async contains(text: string, deadlineMs?: number): Promise<void> {
    await until(
      `${JSON.stringify(text)} in ${JSON.stringify(this.received.toString('latin1').slice(-500))}`,
      () => this.isOver || this.received.includes(text),
      deadlineMs === undefined ? {} : { deadlineMs },
    );
  }

  /** Waits until nothing more can come, and returns how it ended. */
  async over(deadlineMs?: number): Promise<End> {
    await until(
      `the end of a connection, after ${JSON.stringify(this.received.toString('latin1').slice(-500))}`,
      () => this.isOver,
      deadlineMs === undefined ? {} : { deadlineMs },
    );
    return this.#end;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** Resets a connection of TCP at once: `resetAndDestroy` sends an end before its reset, and a peer may see that first. */
export function resetNow(socket: Socket): void {
  Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}
