import { type Bytes, bytesOrText, checkHandlers, checkOptions } from '@millrace/channel';
import { EAGAIN, EINTR, SHUT_WR, syscalls } from '@millrace/native/syscalls';
import { isByPeer, networkFailure } from '../errors.js';
import { FrameInput, Spares } from '../framing/frame-input.js';
import { type Framer, failureOf } from '../framing/framer.js';
import { OwnFrames } from '../framing/own-frames.js';
import type { Reactor } from '../loop/reactor.js';
import type { AddOptions } from '../loop/watch.js';
import { MemoryUse } from '../output/memory-use.js';
import { MAX_FILES, OutgoingFile, releaseFile, type SendFileOptions } from '../output/outgoing-file.js';
import { OutputQueue, sendNow, takenOf } from '../output/output-queue.js';
import { CloseSequence, type Ending } from './close-sequence.js';
import {
  CONNECTION_HANDLERS,
  CONNECTION_OPTIONS,
  framerOf,
  type HandlersOf,
  type OutputLimits,
  outputLimits,
  type PlainConnectionOptions,
  turnShare,
} from './connection-options.js';
import * as state from './connection-state.js';
import { pendingError } from './socket-options.js';
import type { CloseReason, DestroyOptions, EndOptions, StreamConnection } from './stream-connection.js';
import { Turn, type TurnShare } from './turn-share.js';

const READ = 1;
const WRITE = 2;

/** What is dropped goes here, whatever connection of this thread it comes from. */
const dropped = Buffer.allocUnsafeSlow(64 << 10);

/** What a connection tells its owner. */
export type ConnectionHandlers<Context, Own = Connection<Context>> = HandlersOf<Own>;

export interface ConnectionOptions<Context = undefined> extends PlainConnectionOptions {
  readonly handlers: ConnectionHandlers<Context>;
  /** The owner's own, found again as `connection.context`. */
  readonly context?: Context;
}

/**
 * What all connections with the same options share, so that one that is idle is small: `new Connection(reactor, fd,
 * kind, context)`. A connection has an input of its own only while there is something in it.
 */
export class ConnectionKind<Context = undefined> {
  readonly reactor: Reactor;
  readonly handlers: ConnectionHandlers<Context>;
  readonly limits: OutputLimits;
  readonly framer: Framer;
  readonly inputs: Spares<FrameInput>;
  readonly own: OwnFrames | undefined;
  readonly use: MemoryUse;
  readonly share: TurnShare;
  /** Of the connection whose input is being cut. */
  readonly turn: Turn;
  /** By descriptor. */
  readonly connections: (Connection<Context> | undefined)[] = [];
  /** What watches the descriptors, once there is one. */
  watch: AddOptions | undefined = undefined;
  /** How they end, likewise. */
  ending: Ending<Connection<Context>> | undefined = undefined;

  /** Throws `ERR_MILLRACE_REACTOR_OPTION` or `ERR_MILLRACE_FRAMING`. */
  constructor(reactor: Reactor, options: Omit<ConnectionOptions<Context>, 'context'>) {
    checkOptions(options, CONNECTION_OPTIONS, 'A connection');
    checkHandlers(options.handlers, CONNECTION_HANDLERS, 'a connection');
    this.reactor = reactor;
    this.handlers = options.handlers;
    this.limits = outputLimits(options);
    this.framer = framerOf(options);
    const memory = options.readMemory ?? reactor.readMemory;
    this.use = options.memory ?? new MemoryUse();
    this.share = turnShare(options);
    this.turn = new Turn(this.share);
    this.own = options.ownFrames ? new OwnFrames(memory.length) : undefined;
    this.inputs = new Spares(() => new FrameInput(this.framer, memory, this.use, this.own));
  }

  /** After a read: `input` where there is something in it, else nothing, and it is the next one's. */
  keep(input: FrameInput): FrameInput | undefined {
    if (!input.empty) return input;
    this.inputs.give(input);
    return undefined;
  }
}

/**
 * A stream socket in a reactor: frames in, bytes out.
 *
 * Notes. Writing never blocks; a write is taken whole or not at all. `close` sends what was written, then closes;
 * `end` sends it and says that no more comes, and goes on reading; `destroy` closes at once. Frames that were read but
 * not delivered when the connection was paused are delivered after `resume`. A handler that throws has had its frame;
 * the error is the reactor's to report, the next frames come.
 */
export class Connection<Context = undefined> implements StreamConnection<Context> {
  readonly fd: number;
  readonly context: Context;
  readonly #kind: ConnectionKind<Context>;
  readonly #state: CloseSequence<Connection<Context>>;
  /** While there is something in it: the beginning of a frame, or frames that were not wanted yet. */
  #input: FrameInput | undefined = undefined;
  /** While there is something in it. */
  #output: OutputQueue | undefined = undefined;
  #watched = READ;

  /**
   * Takes over `fd`, a connected and non-blocking stream socket, and closes it in the end. Where there are many, they
   * may share a `kind` made of their options, and differ in their `context`.
   */
  constructor(
    reactor: Reactor,
    fd: number,
    options: ConnectionOptions<Context> | ConnectionKind<Context>,
    context?: Context,
  ) {
    const shared = options instanceof ConnectionKind;
    const kind = shared ? options : new ConnectionKind(reactor, options);
    this.fd = fd;
    this.context = (shared ? context : options.context) as Context;
    this.#kind = kind;
    kind.watch ??= Connection.#watchOf(kind);
    kind.ending ??= Connection.#endingOf(kind);
    this.#state = new CloseSequence(this, kind.ending);
    reactor.add(fd, kind.watch);
    kind.connections[fd] = this;
  }

  static #watchOf<C>({ connections }: ConnectionKind<C>): AddOptions {
    // What is watched has not been closed, so it is among them.
    return Object.freeze({
      onRead: (fd: number) => (connections[fd] as Connection<C>).#readable(),
      onWrite: (fd: number) => (connections[fd] as Connection<C>).#writable(),
      onError: (fd: number) => (connections[fd] as Connection<C>).#hungUp(),
      write: false,
      nonBlocking: true,
    });
  }

  static #endingOf<C>(kind: ConnectionKind<C>): Ending<Connection<C>> {
    const { handlers, reactor } = kind;
    return {
      timers: reactor.timers,
      isSent: (own) => own.#output === undefined,
      endOutput: (own) => {
        // Where the other side has ended as well, the close that follows says it.
        const closes = own.inputEnded && own.#state.is(state.CLOSING);
        if (!closes) syscalls.shutdown(own.fd, SHUT_WR);
        own.#state.outputEnded();
      },
      dropInput: ({ fd }) => {
        const count = syscalls.receive(fd, dropped, 0, dropped.length);
        if (count > 0) return 'some';
        return count === -EAGAIN || count === -EINTR ? 'none' : 'over';
      },
      changed: (own) => own.#update(),
      tellInputEnd: (own) => {
        handlers.onInputEnd?.(own);
        return handlers.onInputEnd !== undefined;
      },
      reset: ({ fd }) => void syscalls.setLinger(fd, 0),
      release: (own, reason, error) => own.#release(reason, error),
    };
  }

  static #visit<C>(memory: Buffer, start: number, end: number, connection: Connection<C>): void {
    connection.#kind.handlers.onFrame(connection, memory, start, end);
  }

  static #wantsMore<C>(connection: Connection<C>): boolean {
    return connection.#kind.turn.takes() && connection.#wants();
  }

  get closed(): boolean {
    return this.#state.is(state.CLOSED);
  }

  /** The other side has ended its sending. */
  get inputEnded(): boolean {
    return this.#state.is(state.INPUT_ENDED);
  }

  get paused(): boolean {
    return this.#state.is(state.PAUSED);
  }

  /** Bytes of output that wait in memory; files do not count. */
  get queuedBytes(): number {
    return this.#output === undefined ? 0 : this.#output.bytes;
  }

  /** Bytes that it holds: of frames that are not whole or not delivered yet, and of output with what its memory has to spare. */
  get memoryBytes(): number {
    return (this.#input?.bytes ?? 0) + (this.#output?.memory ?? 0);
  }

  /** Bytes that were read and are no frame yet, or are not delivered. */
  get inputBytes(): number {
    return this.#input?.bytes ?? 0;
  }

  /** Bytes that the frame which has begun is known to lack; 0: there is none, or its length is not known. */
  get missingBytes(): number {
    return this.#input?.missing ?? 0;
  }

  /** Whether the other side has sent something, or its end, that is not delivered yet: read before, or still in the kernel. */
  get hasUnread(): boolean {
    return !this.closed && (this.#state.is(state.HELD) || syscalls.peek(this.fd) >= 0);
  }

  /**
   * Sends `data[start, end)`, or queues it; what is queued is copied. False: nothing of it is sent, because more than
   * `maxOutput` bytes would wait, or because `close` or `end` was called or the connection is over.
   */
  write(data: Bytes | string, start = 0, end?: number): boolean {
    if (this.#state.is(state.CLOSED | state.CLOSING | state.ENDING)) return false;
    const memory = bytesOrText(data);
    const limit = end ?? memory.length;
    const { maxOutput, destroys } = this.#kind.limits;
    if (!destroys && this.queuedBytes + limit - start > maxOutput) return false;
    const sent = this.#output === undefined ? sendNow(this.fd, memory, start, limit) : 0;
    this.#wrote(memory, start, limit, sent);
    return !this.closed;
  }

  /** Whether the frame that `onFrame` is told of now is the receiver's to keep: nothing else has its memory, see `ownFrames`. */
  get frameIsOwn(): boolean {
    return this.#kind.own?.visited === true;
  }

  /** The descriptor, where nothing waits and `write` would send by it; else -1. */
  get writableFd(): number {
    const writes = this.#output === undefined && !this.#state.is(state.CLOSED | state.CLOSING | state.ENDING);
    return writes ? this.fd : -1;
  }

  /**
   * Instead of `write`, where `data[start, end)` was sent by `writableFd`, with those of other connections in one call: `result` is what `send` has
   * returned. To be called before anything else is written.
   */
  wrote(data: Uint8Array, start: number, end: number, result: number): void {
    if (!this.closed) this.#wrote(data, start, end, takenOf(result));
  }

  #wrote(memory: Uint8Array, start: number, limit: number, sent: number): void {
    if (sent >= 0 && start + sent < limit) {
      this.#output ??= new OutputQueue(this.fd, this.#kind.use);
      this.#output.add(memory, start + sent, limit);
    }
    if (sent < 0) this.#broken(sent, 'send');
    // What the kernel takes at once changes nothing here.
    else if (this.#output !== undefined || this.#state.is(state.CONGESTED)) this.#afterOutput();
  }

  /**
   * Sends a regular file, or a piece of it, behind what is queued; without a copy where the kernel can. The file stays
   * open until then. False as in `write`, and when 64 files wait. Throws `ERR_MILLRACE_REACTOR_FILE`, or what `openSync` throws.
   */
  sendFile(path: string, options?: SendFileOptions): boolean {
    if (this.#state.is(state.CLOSED | state.CLOSING | state.ENDING) || this.#output?.files === MAX_FILES) {
      releaseFile(options);
      return false;
    }
    const file = new OutgoingFile(path, options);
    this.#output ??= new OutputQueue(this.fd, this.#kind.use);
    const result = this.#output.writeFile(file);
    if (result < 0) this.#broken(result, 'sendfile');
    else this.#afterOutput();
    return !this.closed;
  }

  /** Takes no more frames until `resume`; the kernel's buffers fill and slow the other side down. */
  pause(): void {
    if (this.paused) return;
    this.#state.mark(state.PAUSED);
    this.#update();
  }

  resume(): void {
    if (!this.paused || this.closed) return;
    this.#state.mark(state.PAUSED, false);
    this.#update();
    if (this.#state.is(state.HELD)) this.#deliverSoon();
  }

  /** Has the framer look once more at what is kept: a frame that it waited for is to be delivered as far as it has come. */
  recut(): void {
    const input = this.#input;
    if (input === undefined || this.#state.is(state.CLOSED | state.CLOSING | state.HELD)) return;
    input.prepareKept();
    this.#take(input, 0);
  }

  /**
   * Half-close: sends what is queued, then tells the other side that no more comes. Frames still arrive, until the other side
   * ends as well or the time for that is up. Throws `ERR_MILLRACE_TIMEOUT_VALUE`.
   */
  end(options?: EndOptions): void {
    this.#state.end(options);
  }

  /** Sends what is queued, then closes. */
  close(): void {
    this.#state.close();
  }

  /** Closes at once, by a reset where that is asked for; what is queued is lost. */
  destroy(options?: DestroyOptions): void {
    this.#state.destroy(options);
  }

  #wants(): boolean {
    if (this.#state.is(state.PAUSED | state.CLOSED | state.CLOSING)) return false;
    const { wantsFrame } = this.#kind.handlers;
    if (wantsFrame === undefined || wantsFrame(this)) return true;
    this.pause();
    return false;
  }

  #wantsInput(): boolean {
    const { wantsInput } = this.#kind.handlers;
    if (wantsInput === undefined || wantsInput(this)) return true;
    this.pause();
    return false;
  }

  #readable(): void {
    if (this.#state.is(state.LINGERING)) return this.#state.drop();
    if (this.#state.is(state.HELD)) return;
    if (!this.#state.is(state.INPUT_ENDED | state.CLOSING) && !(this.#wants() && this.#wantsInput())) return;
    const input = this.#input ?? this.#kind.inputs.take();
    input.prepare();
    const room = Math.min(input.target.length - input.offset, this.#kind.share.bytes);
    const count = syscalls.receive(this.fd, input.target, input.offset, room);
    if (count > 0) {
      try {
        this.#kind.handlers.onInput?.(this, count);
      } finally {
        this.#take(input, count);
      }
      return;
    }
    this.#input = this.#kind.keep(input);
    if (count === -EAGAIN || count === -EINTR) return;
    if (count < 0) return this.#broken(count, 'recv');
    this.#state.inputEnded();
  }

  #take(input: FrameInput, count: number): void {
    const kind = this.#kind;
    this.#state.mark(state.HELD, false);
    kind.turn.begin(this);
    try {
      if (!input.take(count, Connection.#visit<Context>, Connection.#wantsMore<Context>, this))
        return this.#malformed();
    } catch (error) {
      this.#holdInput();
      throw error;
    } finally {
      if (this.closed) input.clear();
      this.#input = kind.keep(input);
    }
    if (this.paused) this.#state.mark(state.HELD, this.#input !== undefined);
    // It has had its share of this turn: the others come first, then the frames that are left.
    else if (kind.turn.isOver) this.#holdInput();
  }

  /** What was read is delivered in the next turn, before more is read. */
  #holdInput(): void {
    if (this.closed) return;
    this.#state.mark(state.HELD);
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    this.#kind.reactor.defer(() => this.#deliverHeld());
  }

  #malformed(): void {
    this.#state.over('malformed', failureOf(this.#kind.framer));
  }

  /** Delivers what was read before a pause. */
  #deliverHeld(): void {
    if (this.#state.is(state.CLOSED | state.PAUSED) || !this.#state.is(state.HELD)) return;
    const input = this.#input ?? this.#kind.inputs.take();
    input.prepareKept();
    this.#take(input, 0);
    if (this.#state.is(state.HELD | state.CLOSED)) return;
    this.#update();
    this.#state.inputDelivered();
  }

  /** Hung up in both directions, or failed, while nothing is watched for. */
  #hungUp(): void {
    const error = pendingError(this.fd);
    if (error !== 0) return this.#broken(-error, 'recv');
    // What the other side sent before it closed is still to be read, or to be delivered.
    if (this.#state.is(state.LINGERING)) return this.#state.over('local');
    const unread = this.#state.is(state.HELD) || (this.paused && !this.inputEnded);
    if (!unread) return this.#state.over('peer');
    this.#state.mark(state.PARKED);
    this.#kind.reactor.remove(this.fd);
  }

  #writable(): void {
    const result = this.#output === undefined ? 0 : this.#output.flush();
    if (result < 0) return this.#broken(result, 'send');
    this.#kind.handlers.onOutput?.(this);
    if (!this.closed) this.#afterOutput();
  }

  #afterOutput(): void {
    const bytes = this.queuedBytes;
    const { highWaterMark, lowWaterMark, maxOutput } = this.#kind.limits;
    if (bytes > maxOutput) return this.#state.over('output-limit');
    if (this.#output?.empty) this.#output = undefined;
    if (this.#output === undefined) {
      this.#state.sent();
      if (this.#state.is(state.CLOSED | state.CLOSING)) return;
    }
    this.#update();
    const congested = this.#state.is(state.CONGESTED);
    if (congested ? bytes <= lowWaterMark : bytes > highWaterMark) {
      this.#state.mark(state.CONGESTED, !congested);
      this.#kind.handlers.onCongestion?.(this, !congested);
    }
  }

  #update(): void {
    if (this.closed) return;
    const open = !this.#state.is(state.PAUSED | state.INPUT_ENDED | state.CLOSING);
    // What is held comes before more is read; whether it is watched for meanwhile is not worth a system call.
    const read =
      this.#state.is(state.LINGERING) ||
      (open && (!this.#state.is(state.HELD) || (this.#watched & READ) !== 0));
    const wanted = (read ? READ : 0) | (this.#output === undefined ? 0 : WRITE);
    if (wanted === this.#watched) return;
    this.#watched = wanted;
    const interest = { read, write: (wanted & WRITE) !== 0 };
    if (!this.#state.is(state.PARKED)) return this.#kind.reactor.set(this.fd, interest);
    if (wanted === 0) return;
    this.#state.mark(state.PARKED, false);
    this.#kind.reactor.add(this.fd, { ...this.#kind.watch, ...interest });
  }

  #broken(result: number, syscall: string): void {
    const error = this.#output?.failure ?? networkFailure(syscall, -result, this.fd);
    this.#state.over(isByPeer(error) ? 'peer' : 'error', error);
  }

  #release(reason: CloseReason, error: Error | undefined): void {
    if (!this.#state.is(state.PARKED)) this.#kind.reactor.remove(this.fd);
    this.#kind.connections[this.fd] = undefined;
    syscalls.close(this.fd);
    this.#input?.clear();
    try {
      this.#output?.clear(error);
    } finally {
      this.#kind.handlers.onClose?.(this, reason, error);
    }
  }
}
