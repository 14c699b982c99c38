import {
  checkOptions,
  type Frame,
  type FrameVisitor,
  optionNames,
  type Poller,
  type PollRegistration,
  READABLE,
  type Transport,
  type TransportEvents,
  WRITABLE,
} from '@millrace/channel';
import { NodePoller, type SystemCallError } from '@millrace/native';
import { ECONNRESET, EPIPE, SHUT_RDWR, syscalls } from '@millrace/native/syscalls';
import { MAX_WHOLE } from './datagram-layout.js';
import { Incoming } from './incoming.js';
import { Outgoing } from './outgoing.js';

export interface PipeTransportOptions {
  /** The loop to watch the socket in. Default: Node's own loop of this thread. */
  readonly poller?: Poller;
  /** Largest message in bytes. Default 64 MiB. */
  readonly maxMessageSize?: number;
  /**
   * What `close` does to the descriptor: closes it (true), leaves it (false), or ends the connection for all that share
   * this end and leaves the number to its creator (`'shutdown'`). Default true.
   */
  readonly closeDescriptor?: boolean | 'shutdown';
  /**
   * Whether several receivers share what this end sends. Each message then is a datagram of its own, so that it goes to
   * one receiver whole and one that dies takes no other with it; messages have at most 66,040 bytes. Default false.
   */
  readonly sharedByReceivers?: boolean;
  /**
   * Whether small messages ride in one datagram, which is faster; a receiver that dies loses all of the datagram that it
   * has taken. Without, it loses the message that it handles alone. Default true, but for `sharedByReceivers`.
   */
  readonly gather?: boolean;
  /**
   * Told once when a datagram is none of a pipe. Then nothing is read or written until `reset`, and what is sent meanwhile
   * waits. Without it the transport ends with the error.
   */
  readonly onCorrupt?: (error: Error) => void;
  /**
   * Told of each datagram that is none of a pipe; it is dropped, and reading goes on with the next. For an end that several
   * send to: what one of them sends costs the others nothing.
   */
  readonly onBadDatagram?: ((error: Error) => void) | undefined;
}

/** The names of a transport's options, for the lists of those who make one. */
export const TRANSPORT_OPTION_NAMES = {
  poller: true,
  maxMessageSize: true,
  closeDescriptor: true,
  sharedByReceivers: true,
  gather: true,
  onCorrupt: true,
  onBadDatagram: true,
} as const;
export const TRANSPORT_OPTIONS = optionNames<PipeTransportOptions>(TRANSPORT_OPTION_NAMES);

const DEFAULT_MAX_MESSAGE_SIZE = 64 << 20;
/** Beside `READABLE` and `WRITABLE`: only the hang-up is watched for. */
const END = 8;

/**
 * A {@link Transport} over one end of a SOCK_SEQPACKET socket pair.
 *
 * Notes. The kernel keeps whole datagrams, so a reader or writer that dies leaves no half message. A datagram may hold
 * several messages; a reader that dies loses those of the datagram it had taken, unless the sender does not `gather`.
 * Several processes may share an end: several senders always; several receivers when the senders know
 * (`sharedByReceivers`).
 */
export class PipeTransport implements Transport {
  readonly maxMessageSize: number;
  readonly #fd: number;
  readonly #closeDescriptor: boolean | 'shutdown';
  readonly #outgoing: Outgoing;
  #incoming: Incoming;
  readonly #poller: Poller;
  readonly #registration: PollRegistration;
  #events: TransportEvents | undefined;
  #reading = false;
  #watchesEnd = false;
  /** Whether it keeps the loop alive, where the caller has said so. */
  #keepsLoop: boolean | undefined;
  #watched = 0;
  #again = false;
  /** By which errno a send has found that the peer has gone; 0: none has. */
  #gone = 0;
  #unsentDropped = false;
  #ending = false;
  #closed = false;
  readonly #onCorrupt: ((error: Error) => void) | undefined;
  readonly #onBadDatagram: ((error: Error) => void) | undefined;
  #corrupt = false;

  constructor(fd: number, options: PipeTransportOptions = {}) {
    checkOptions(options, TRANSPORT_OPTIONS, 'A PipeTransport');
    const { sharedByReceivers = false, maxMessageSize = DEFAULT_MAX_MESSAGE_SIZE } = options;
    this.maxMessageSize = sharedByReceivers ? Math.min(maxMessageSize, MAX_WHOLE) : maxMessageSize;
    this.#fd = fd;
    this.#closeDescriptor = options.closeDescriptor ?? true;
    this.#outgoing = new Outgoing(fd, sharedByReceivers || options.gather === false);
    this.#incoming = new Incoming(fd, maxMessageSize);
    this.#onCorrupt = options.onCorrupt;
    this.#onBadDatagram = options.onBadDatagram;
    this.#poller = options.poller ?? new NodePoller();
    this.#registration = this.#poller.add(fd, (ready) => this.#ready(ready));
  }

  start(events: TransportEvents): void {
    this.#events = events;
  }

  /** What came makes no sense: nothing is read or written until `reset`. */
  get corrupt(): boolean {
    return this.#corrupt;
  }

  /** Reads and writes no more, as for a datagram that is none of a pipe: the other side's messages make no sense. */
  distrust(error: Error): void {
    if (this.#closed || this.#corrupt) return;
    this.#corrupt = true;
    this.#watch();
    this.#onCorrupt?.(error);
  }

  /** Drops all that has come and goes on. The process at the other side must have ended, and the next not have begun. */
  reset(): void {
    if (this.#closed) return;
    this.#incoming.discard();
    this.#incoming = new Incoming(this.#fd, this.maxMessageSize);
    this.#corrupt = false;
    this.#watch();
    this.#poller.defer(() => this.#resume());
  }

  trySend(frame: Frame): boolean {
    if (this.#gone !== 0) return true;
    if (this.#corrupt) return false;
    const { blocked } = this.#outgoing;
    try {
      return this.#outgoing.add(frame);
    } catch (error) {
      return this.#peerGone(error);
    } finally {
      this.#watch();
      // The kernel took what was waiting; writability is not watched any more, so it is reported from here.
      if (blocked && !this.#outgoing.blocked) this.#poller.defer(() => this.#resume());
    }
  }

  flush(): void {
    if (
      this.#closed ||
      this.#corrupt ||
      this.#gone !== 0 ||
      this.#outgoing.pendingBytes === 0 ||
      this.#outgoing.blocked
    )
      return;
    try {
      this.#outgoing.flush();
    } catch (error) {
      this.#peerGone(error);
    } finally {
      this.#watch();
    }
  }

  get pendingBytes(): number {
    return this.#outgoing.pendingBytes;
  }

  /**
   * Whether the message that was sent last is certainly still there for the other side to read. Of one that takes
   * several datagrams the answer is no: a reader may have taken the first of them and died.
   */
  get lastIsUnread(): boolean {
    if (this.#closed || this.#outgoing.lastInPieces) return false;
    return this.#outgoing.pendingBytes > 0 || syscalls.unreadBytes(this.#fd) > 0;
  }

  get hasUnfinished(): boolean {
    return this.#incoming.hasUnfinished;
  }

  receive(visit: FrameVisitor, limit: number): number {
    if (this.#closed || this.#corrupt) return 0;
    try {
      return this.#incoming.read(visit, limit);
    } catch (error) {
      const { code } = error as { readonly code?: string };
      const corrupt = error === this.#incoming.failure && code === 'ERR_MILLRACE_PIPE_CORRUPT';
      if (corrupt && this.#onBadDatagram !== undefined) {
        this.#incoming.forgive();
        this.#onBadDatagram(error as Error);
        return 0;
      }
      if (!corrupt || this.#onCorrupt === undefined) throw error;
      this.distrust(error as Error);
      return 0;
    } finally {
      this.#afterReading();
    }
  }

  setReading(on: boolean): void {
    this.#reading = on;
    this.#watch();
    this.#afterReading();
  }

  watchEnd(): void {
    this.#watchesEnd = true;
    this.#watch();
  }

  ref(): void {
    this.#keepsLoop = true;
    this.#registration.ref();
  }

  unref(): void {
    this.#keepsLoop = false;
    this.#registration.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#registration.close();
    if (this.#closeDescriptor === 'shutdown') syscalls.shutdown(this.#fd, SHUT_RDWR);
    else if (this.#closeDescriptor) syscalls.close(this.#fd);
  }

  /**
   * A send found that the peer has gone: takes the message, which can no longer arrive. What the peer sent before it went
   * is still to be read; the end follows.
   */
  #peerGone(error: unknown): true {
    const { errno } = error as SystemCallError;
    if (errno !== EPIPE && errno !== ECONNRESET) throw error;
    this.#gone = errno;
    this.#afterReading();
    return true;
  }

  #watch(): void {
    const write = this.#outgoing.blocked && !this.#corrupt;
    const read = this.#reading && !this.#corrupt;
    // A reader meets the end by itself.
    const end = this.#watchesEnd && !this.#reading && !this.#corrupt;
    const wanted = (read ? READABLE : 0) | (write ? WRITABLE : 0) | (end ? END : 0);
    if (this.#closed || wanted === this.#watched) return;
    this.#watched = wanted;
    this.#registration.update({ read, write, end });
    // A listener for the end does not keep the loop alive, unless the caller says so.
    if (this.#keepsLoop !== undefined || !this.#watchesEnd) return;
    if (wanted === END) this.#registration.unref();
    else this.#registration.ref();
  }

  #ready(ready: number): void {
    if (ready & WRITABLE && this.#outgoing.blocked) this.#resume();
    if (ready & READABLE && !this.#closed && (this.#reading || this.#watchesEnd)) this.#read();
  }

  #resume(): void {
    if (this.#closed || this.#corrupt) return;
    let flushed = false;
    try {
      flushed = this.#outgoing.flush();
    } catch (error) {
      this.#peerGone(error);
    } finally {
      this.#watch();
    }
    if (!flushed) return;
    // Not in the `try`: what a listener throws is its own.
    this.#events?.writable();
    this.#watch();
  }

  #read(): void {
    try {
      if (this.#reading) this.#events?.readable();
      else this.#endUnlessUnread();
    } catch (error) {
      // A listener may throw errors of the same kinds.
      if (error !== this.#incoming.failure) throw error;
      this.#events?.ended(this.#incoming.failure);
    }
  }

  /** The peer has gone, and nothing reads at the moment. */
  #endUnlessUnread(): void {
    if (!this.#incoming.fill()) {
      // Where the peer has not gone after all, there is nothing to read and no end.
      if (this.#incoming.ended || this.#gone !== 0) this.#events?.ended();
      return;
    }
    if (this.#watchesEnd) this.#events?.gone?.();
    if (!this.#unsentDropped && !this.#closed) {
      // The end is reported after reading, and the reader may wait for what cannot be sent any more.
      this.#unsentDropped = true;
      this.#outgoing.discard();
      this.#resume();
    }
  }

  /**
   * The kernel reports datagrams, not the messages that are left of one: those are reported from here. So is what is left
   * of a peer that has gone: a loop may tell of its end once only, as an error. Not at once: a visitor may be at work.
   */
  #afterReading(): void {
    if (this.#closed || this.#corrupt) return;
    if (this.#incoming.ended && !this.#incoming.hasBuffered) this.#endSoon();
    else if (this.#looksAgain && !this.#again) {
      this.#again = true;
      this.#poller.defer(() => {
        this.#again = false;
        if (!this.#closed && !this.#corrupt && this.#looksAgain) this.#read();
      });
    }
  }

  get #looksAgain(): boolean {
    if (!this.#reading) return this.#gone !== 0;
    return this.#incoming.hasBuffered || this.#incoming.reset || this.#gone === ECONNRESET;
  }

  #endSoon(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#poller.defer(() => {
      if (!this.#closed) this.#events?.ended();
    });
  }
}
