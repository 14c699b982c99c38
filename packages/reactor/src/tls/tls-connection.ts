import type { TLSSocket } from 'node:tls';
import { type Bytes, bytesOrText, checkHandlers, checkOptions, type FrameVisitor } from '@millrace/channel';
import type { ConnectionHandlers, ConnectionOptions } from '../connection/connection.js';
import {
  CONNECTION_HANDLERS,
  CONNECTION_OPTIONS,
  framerOf,
  type OutputLimits,
  outputLimits,
  turnShare,
} from '../connection/connection-options.js';
import { LINGER_MS } from '../connection/lingering.js';
import type { CloseReason, StreamConnection } from '../connection/stream-connection.js';
import { Turn, type TurnShare } from '../connection/turn-share.js';
import { FrameInput } from '../framing/frame-input.js';
import type { Framer } from '../framing/framer.js';
import type { Reactor } from '../loop/reactor.js';
import { MemoryUse } from '../output/memory-use.js';
import { MAX_FILES, OutgoingFile, releaseFile, type SendFileOptions } from '../output/outgoing-file.js';
import { TlsOutput } from './tls-output.js';

export type TlsConnectionOptions<Context = undefined> = Omit<ConnectionOptions<Context>, 'handlers'> & {
  readonly handlers: ConnectionHandlers<Context, TlsConnection<Context>>;
};

/** What node:tls and OpenSSL hold for one connection, about: 10 KiB were measured for an idle one, and a record has 16 KiB. */
const TLS_BYTES = 32 << 10;

/**
 * A client that has come through a TLS handshake: what `Connection` is for a plain one, with the same promises.
 *
 * Notes. Callbacks come in turns of the reactor. `queuedBytes` counts what the kernel has not taken by the last time
 * that this thread looked, so what was just written counts in any case. Files are read and encrypted. A paused
 * connection reads on to a buffer of node:tls until that is full.
 */
export class TlsConnection<Context = undefined> implements StreamConnection<Context> {
  readonly socket: TLSSocket;
  readonly context: Context;
  readonly #reactor: Reactor;
  readonly #handlers: ConnectionHandlers<Context, TlsConnection<Context>>;
  readonly #limits: OutputLimits;
  readonly #framer: Framer;
  readonly #input: FrameInput;
  readonly #output: TlsOutput;
  readonly #visit: FrameVisitor;
  readonly #share: TurnShare;
  readonly #use: MemoryUse;
  readonly #turn: Turn;
  /** Bytes that it may still read in this turn. */
  #leftBytes = 0;
  readonly #wantsMore = () => this.#turn.takes() && this.#wants();
  readonly #read = () => this.#readable();
  readonly #afterMove = () => this.#moved();
  #moves = false;
  #paused = false;
  #inputEnded = false;
  #ending = false;
  #outputEnded = false;
  #congested = false;
  #closing = false;
  #linger = 0;
  #closed = false;
  #held = false;

  /** Takes over a `socket` of `TlsAcceptor`. */
  constructor(reactor: Reactor, socket: TLSSocket, options: TlsConnectionOptions<Context>) {
    checkOptions(options, CONNECTION_OPTIONS, 'A TLS connection');
    checkHandlers(options.handlers, CONNECTION_HANDLERS, 'a TLS connection');
    const { handlers, readMemory = reactor.readMemory } = options;
    this.socket = socket;
    this.context = options.context as Context;
    this.#reactor = reactor;
    this.#handlers = handlers;
    this.#limits = outputLimits(options);
    this.#framer = framerOf(options);
    this.#share = turnShare(options);
    this.#turn = new Turn(this.#share);
    this.#use = options.memory ?? new MemoryUse();
    this.#use.bytes += TLS_BYTES;
    this.#input = new FrameInput(this.#framer, readMemory, this.#use);
    this.#output = new TlsOutput(
      socket,
      () => this.#movedSoon(),
      (error) => this.#raise(error),
      this.#use,
    );
    this.#visit = (memory, start, end) => handlers.onFrame(this, memory, start, end);
    socket.on('readable', () => this.#soon(this.#read));
    socket.on('end', () => this.#soon(() => this.#peerEnded()));
    socket.on('finish', () => this.#soon(() => this.#finished()));
    socket.on('error', (error) => this.#soon(() => this.#broken(error)));
    socket.on('close', () => this.#soon(() => this.#gone()));
    // It may all have happened before.
    if (socket.destroyed) this.#soon(() => this.#gone());
  }

  get closed(): boolean {
    return this.#closed;
  }

  get inputEnded(): boolean {
    return this.#inputEnded;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get queuedBytes(): number {
    return this.#output.bytes;
  }

  /** Bytes that it holds: as with `Connection`, and what node:tls has of it. */
  get memoryBytes(): number {
    return TLS_BYTES + this.#input.bytes + this.#output.bytes;
  }

  get inputBytes(): number {
    return this.#input.bytes;
  }

  get missingBytes(): number {
    return this.#input.missing;
  }

  /** Whether the other side has sent something that node:tls has read and that is not delivered yet. */
  get hasUnread(): boolean {
    return !this.#closed && (this.#held || this.socket.readableLength > 0);
  }

  write(data: Bytes | string, start = 0, end?: number): boolean {
    if (this.#closed || this.#closing || this.#ending) return false;
    const memory = bytesOrText(data);
    const limit = end ?? memory.length;
    const { maxOutput, destroys } = this.#limits;
    if (limit === start) return true;
    if (!destroys && this.#output.bytes + limit - start > maxOutput) return false;
    this.#output.write(memory, start, limit);
    this.#afterOutput();
    return !this.#closed;
  }

  sendFile(path: string, options?: SendFileOptions): boolean {
    if (this.#closed || this.#closing || this.#ending || this.#output.files === MAX_FILES) {
      releaseFile(options);
      return false;
    }
    this.#output.writeFile(new OutgoingFile(path, options));
    this.#afterOutput();
    return !this.#closed;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#soon(this.#read);
  }

  end(): void {
    if (this.#closed || this.#closing || this.#ending) return;
    this.#ending = true;
    this.#endWhenSent();
  }

  close(): void {
    if (this.#closed || this.#closing) return;
    this.#closing = true;
    if (this.#outputEnded) this.#finished();
    else this.#endWhenSent();
  }

  destroy(reason: CloseReason = 'local', error?: Error): void {
    this.#over(reason, error);
  }

  /** Runs `action` in the next turn; what node:tls tells, it tells outside of any. */
  #soon(action: () => void): void {
    if (!this.#closed && !this.#reactor.closed) this.#reactor.defer(action);
  }

  /** Leaves the error of a callback to the reactor to report, also when the connection is over. */
  #raise(error: unknown): void {
    const raise = () => {
      throw error;
    };
    if (this.#reactor.closed) setImmediate(raise);
    else this.#reactor.defer(raise);
  }

  #wants(): boolean {
    if (this.#paused || this.#closed || this.#closing) return false;
    const { wantsFrame } = this.#handlers;
    if (wantsFrame === undefined || wantsFrame(this)) return true;
    this.pause();
    return false;
  }

  #wantsInput(): boolean {
    const { wantsInput } = this.#handlers;
    if (wantsInput === undefined || wantsInput(this)) return true;
    this.pause();
    return false;
  }

  #readable(): void {
    if (this.#closed) return;
    const { socket } = this;
    if (this.#linger > 0) {
      while (socket.read() !== null);
      return;
    }
    this.#turn.begin(this);
    this.#leftBytes = this.#share.bytes;
    if (this.#held && !this.#deliverHeld()) return;
    while (!this.#closed && !this.#held && this.#wants() && this.#wantsInput()) {
      const input = this.#input;
      input.prepare();
      if (this.#leftBytes === 0) return this.#soon(this.#read);
      const count = Math.min(socket.readableLength, input.target.length - input.offset, this.#leftBytes);
      // Asks for more, and brings 'end' when there is none.
      if (count === 0) return void socket.read(0);
      const bytes = socket.read(count) as Buffer | null;
      // Destroyed: 'close' follows.
      if (bytes === null) return;
      bytes.copy(input.target, input.offset);
      this.#leftBytes -= count;
      try {
        this.#handlers.onInput?.(this, count);
      } finally {
        this.#take(count);
      }
    }
  }

  #take(count: number): void {
    try {
      if (!this.#input.take(count, this.#visit, this.#wantsMore)) return this.#malformed();
    } catch (error) {
      this.#held = true;
      this.#soon(this.#read);
      throw error;
    } finally {
      if (this.#closed) this.#input.clear();
    }
    this.#held = this.#paused ? !this.#input.empty : this.#turn.isOver;
    // It has had its share of this turn: the others come first, then the frames that are left.
    if (this.#turn.isOver && !this.#paused) this.#soon(this.#read);
  }

  #malformed(): void {
    const { error } = this.#framer;
    this.#over('malformed', error === undefined || error instanceof Error ? error : new Error(String(error)));
  }

  /** Delivers what was read before a pause; false while some of it is left. */
  #deliverHeld(): boolean {
    if (this.#paused) return false;
    this.#held = false;
    this.#input.prepareKept();
    this.#take(0);
    if (this.#held || this.#closed) return false;
    if (this.#inputEnded) this.#inputEnd();
    return !this.#closed;
  }

  #peerEnded(): void {
    if (this.#closed || this.#inputEnded) return;
    this.#inputEnded = true;
    if (this.#linger > 0) this.#over('local');
    else if (!this.#held && !this.#closing) this.#inputEnd();
  }

  #inputEnd(): void {
    if (this.#handlers.onInputEnd) this.#handlers.onInputEnd(this);
    else this.close();
    if (this.#outputEnded) this.#over('peer');
  }

  #movedSoon(): void {
    if (this.#moves) return;
    this.#moves = true;
    this.#soon(this.#afterMove);
  }

  #moved(): void {
    this.#moves = false;
    if (this.#closed) return;
    this.#handlers.onOutput?.(this);
    if (!this.#closed) this.#afterOutput();
  }

  #afterOutput(): void {
    const failure = this.#output.feed();
    if (failure) return this.#over('error', failure);
    const { bytes } = this.#output;
    const { highWaterMark, lowWaterMark, maxOutput } = this.#limits;
    if (bytes > maxOutput) return this.#over('output-limit');
    if (this.#closing || this.#ending) this.#endWhenSent();
    if (this.#congested ? bytes <= lowWaterMark : bytes > highWaterMark) {
      this.#congested = !this.#congested;
      this.#handlers.onCongestion?.(this, this.#congested);
    }
  }

  /** The socket sends what it has before it says that no more comes. */
  #endWhenSent(): void {
    if (this.#output.handedOver && !this.socket.writableEnded) this.socket.end();
  }

  /** Everything is sent, and the other side knows that no more comes. */
  #finished(): void {
    if (this.#closed || this.#linger > 0) return;
    this.#outputEnded = true;
    if (!this.#closing) return this.#inputEnded && !this.#held ? this.#over('local') : undefined;
    // Input left unread would make the kernel reset the connection: it is dropped, as more of it is.
    if (this.#inputEnded || this.socket.readableLength === 0) return this.#over('local');
    this.#linger = this.#reactor.timers.after(LINGER_MS, () => this.#over('local'));
    this.#readable();
  }

  #broken(error: Error & { code?: string }): void {
    this.#over(error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'peer' : 'error', error);
  }

  #gone(): void {
    const { errored } = this.socket;
    if (errored) this.#broken(errored);
    else this.#over(this.#closing ? 'local' : 'peer');
  }

  #over(reason: CloseReason, error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reactor.timers.clear(this.#linger);
    this.#use.bytes -= TLS_BYTES;
    this.#input.clear();
    try {
      this.#output.clear(error);
    } finally {
      this.socket.destroy();
      this.#handlers.onClose?.(this, reason, error);
    }
  }
}
