import type { TLSSocket } from 'node:tls';
import { type Bytes, bytesOrText, checkHandlers, checkOptions } from '@millrace/channel';
import { syscalls } from '@millrace/native/syscalls';
import { CloseSequence, type Ending } from '../connection/close-sequence.js';
import type { ConnectionHandlers, ConnectionOptions } from '../connection/connection.js';
import {
  CONNECTION_HANDLERS,
  CONNECTION_OPTIONS,
  framerOf,
  type OutputLimits,
  outputLimits,
  turnShare,
} from '../connection/connection-options.js';
import * as state from '../connection/connection-state.js';
import type {
  CloseReason,
  DestroyOptions,
  EndOptions,
  StreamConnection,
} from '../connection/stream-connection.js';
import { Turn, type TurnShare } from '../connection/turn-share.js';
import { FrameInput } from '../framing/frame-input.js';
import { type Framer, failureOf } from '../framing/framer.js';
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
  readonly #visit: (memory: Buffer, start: number, end: number) => unknown;
  readonly #share: TurnShare;
  readonly #use: MemoryUse;
  readonly #turn: Turn;
  /** Bytes that it may still read in this turn. */
  #leftBytes = 0;
  readonly #wantsMore = () => this.#turn.takes() && this.#wants();
  readonly #read = () => this.#readable();
  readonly #afterMove = () => this.#moved();
  #moves = false;
  readonly #state: CloseSequence<TlsConnection<Context>>;

  /** Takes over a `socket` of `TlsAcceptor`. */
  constructor(reactor: Reactor, socket: TLSSocket, options: TlsConnectionOptions<Context>) {
    checkOptions(options, CONNECTION_OPTIONS, 'A TLS connection');
    checkHandlers(options.handlers, CONNECTION_HANDLERS, 'a TLS connection');
    const { handlers, readMemory = reactor.readMemory } = options;
    this.socket = socket;
    this.#state = new CloseSequence(this, TlsConnection.#endingOf(reactor, handlers));
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
    socket.on('end', () => this.#soon(() => this.#state.inputEnded()));
    socket.on('finish', () => this.#soon(() => this.#state.outputEnded()));
    socket.on('error', (error) => this.#soon(() => this.#broken(error)));
    socket.on('close', () => this.#soon(() => this.#gone()));
    // It may all have happened before.
    if (socket.destroyed) this.#soon(() => this.#gone());
  }

  static #endingOf<C>(
    reactor: Reactor,
    handlers: ConnectionHandlers<C, TlsConnection<C>>,
  ): Ending<TlsConnection<C>> {
    return {
      timers: reactor.timers,
      // The socket sends what it has before it says that no more comes; then it tells 'finish'.
      isSent: (own) => own.#output.handedOver,
      endOutput: ({ socket }) => {
        if (!socket.writableEnded) socket.end();
      },
      dropInput: ({ socket }) => {
        if (socket.read() === null) return 'none';
        while (socket.read() !== null);
        return 'some';
      },
      // What node:tls reads ahead is bounded, and told when it is there.
      changed: () => {},
      tellInputEnd: (own) => {
        handlers.onInputEnd?.(own);
        return handlers.onInputEnd !== undefined;
      },
      reset: ({ socket }) => {
        const fd = descriptorOf(socket);
        if (fd >= 0) syscalls.setLinger(fd, 0);
      },
      release: (own, reason, error) => own.#release(reason, error),
    };
  }

  /** What is written goes through node:tls. */
  get writableFd(): number {
    return -1;
  }

  get closed(): boolean {
    return this.#state.is(state.CLOSED);
  }

  get inputEnded(): boolean {
    return this.#state.is(state.INPUT_ENDED);
  }

  get paused(): boolean {
    return this.#state.is(state.PAUSED);
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
    return !this.closed && (this.#state.is(state.HELD) || this.socket.readableLength > 0);
  }

  write(data: Bytes | string, start = 0, end?: number): boolean {
    if (this.#state.is(state.CLOSED | state.CLOSING | state.ENDING)) return false;
    const memory = bytesOrText(data);
    const limit = end ?? memory.length;
    const { maxOutput, destroys } = this.#limits;
    if (limit === start) return true;
    if (!destroys && this.#output.bytes + limit - start > maxOutput) return false;
    this.#output.write(memory, start, limit);
    this.#afterOutput();
    return !this.closed;
  }

  sendFile(path: string, options?: SendFileOptions): boolean {
    if (this.#state.is(state.CLOSED | state.CLOSING | state.ENDING) || this.#output.files === MAX_FILES) {
      releaseFile(options);
      return false;
    }
    this.#output.writeFile(new OutgoingFile(path, options));
    this.#afterOutput();
    return !this.closed;
  }

  pause(): void {
    this.#state.mark(state.PAUSED);
  }

  resume(): void {
    if (!this.paused || this.closed) return;
    this.#state.mark(state.PAUSED, false);
    this.#soon(this.#read);
  }

  recut(): void {
    if (this.#input.empty || this.#state.is(state.CLOSED | state.CLOSING | state.HELD)) return;
    this.#turn.begin(this);
    this.#input.prepareKept();
    this.#take(0);
  }

  end(options?: EndOptions): void {
    this.#state.end(options);
  }

  close(): void {
    this.#state.close();
  }

  destroy(options?: DestroyOptions): void {
    this.#state.destroy(options);
  }

  /** Runs `action` in the next turn; what node:tls tells, it tells outside of any. */
  #soon(action: () => void): void {
    if (!this.closed && !this.#reactor.closed) this.#reactor.defer(action);
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
    if (this.#state.is(state.PAUSED | state.CLOSED | state.CLOSING)) return false;
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
    if (this.closed) return;
    const { socket } = this;
    if (this.#state.is(state.LINGERING)) return this.#state.drop();
    this.#turn.begin(this);
    this.#leftBytes = this.#share.bytes;
    if (this.#state.is(state.HELD) && !this.#deliverHeld()) return;
    while (!this.#state.is(state.HELD) && this.#wants() && this.#wantsInput()) {
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
      if (!this.#input.take(count, this.#visit, this.#wantsMore, this)) return this.#malformed();
    } catch (error) {
      this.#state.mark(state.HELD);
      this.#soon(this.#read);
      throw error;
    } finally {
      if (this.closed) this.#input.clear();
    }
    this.#state.mark(state.HELD, this.paused ? !this.#input.empty : this.#turn.isOver);
    // It has had its share of this turn: the others come first, then the frames that are left.
    if (this.#turn.isOver && !this.paused) this.#soon(this.#read);
  }

  #malformed(): void {
    this.#state.over('malformed', failureOf(this.#framer));
  }

  /** Delivers what was read before a pause; false while some of it is left. */
  #deliverHeld(): boolean {
    if (this.paused) return false;
    this.#state.mark(state.HELD, false);
    this.#input.prepareKept();
    this.#take(0);
    if (this.#state.is(state.HELD | state.CLOSED)) return false;
    this.#state.inputDelivered();
    return !this.closed;
  }

  #movedSoon(): void {
    if (this.#moves) return;
    this.#moves = true;
    this.#soon(this.#afterMove);
  }

  #moved(): void {
    this.#moves = false;
    if (this.closed) return;
    this.#handlers.onOutput?.(this);
    if (!this.closed) this.#afterOutput();
  }

  #afterOutput(): void {
    const failure = this.#output.feed();
    if (failure) return this.#state.over('error', failure);
    const { bytes } = this.#output;
    const { highWaterMark, lowWaterMark, maxOutput } = this.#limits;
    if (bytes > maxOutput) return this.#state.over('output-limit');
    this.#state.sent();
    const congested = this.#state.is(state.CONGESTED);
    if (congested ? bytes <= lowWaterMark : bytes > highWaterMark) {
      this.#state.mark(state.CONGESTED, !congested);
      this.#handlers.onCongestion?.(this, !congested);
    }
  }

  #broken(error: Error & { code?: string }): void {
    this.#state.over(error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'peer' : 'error', error);
  }

  #gone(): void {
    const { errored } = this.socket;
    if (errored) this.#broken(errored);
    else this.#state.over(this.#state.is(state.CLOSING) ? 'local' : 'peer');
  }

  #release(reason: CloseReason, error: Error | undefined): void {
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

/** The descriptor below a socket, for which node:tls has no public name; -1: it is closed. */
function descriptorOf(socket: TLSSocket): number {
  return (socket as TLSSocket & { readonly _handle: { readonly fd: number } | null })._handle?.fd ?? -1;
}
