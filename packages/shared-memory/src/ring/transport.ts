import type { Frame, FrameVisitor, Transport, TransportEvents } from '@millrace/channel';
import type { Doorbell } from './doorbell.js';
import type { DoorbellClient, DoorbellListener } from './doorbell-listener.js';
import { RingReader } from './reader.js';
import { type RingMemory, resetRing } from './ring.js';
import { RingWriter } from './writer.js';

/** What one side needs of a pair of rings. */
export interface RingTransportOptions {
  /** The ring that this side reads. */
  readonly incoming: RingMemory;
  /** The ring that this side writes. */
  readonly outgoing: RingMemory;
  /** This side's own doorbell; many transports may hang on one. */
  readonly listener: DoorbellListener;
  /** The other side's doorbell. */
  readonly peer: Doorbell;
  /** Largest message in bytes; larger than the ring is allowed, it streams through. Default 64 MiB. */
  readonly maxMessageSize?: number;
  /** Whether listeners only settle promises or schedule microtasks, whose turn comes once the loop has it. Default false. */
  readonly awaited?: boolean;
  /** Told of `ref` (true) and `unref`, for whatever else is watched along with this transport. */
  readonly follow?: (on: boolean) => void;
  /** Gives up what was opened for this transport alone, once it is closed. */
  readonly onClose?: () => void;
  /**
   * Told once when a ring contradicts itself: the other side has written over it. Then nothing is read or written until
   * `reset`, and what is sent meanwhile waits. Without it the transport ends with the error.
   */
  readonly onCorrupt?: (error: Error) => void;
}

const DEFAULT_MAX_MESSAGE_SIZE = 64 << 20;

/**
 * A {@link Transport} over two rings.
 *
 * Notes. The rings outlive both sides: what a dead reader had not taken its successor reads, and neither side can tell
 * from the rings that the other has gone. So the transport ends only when it is told, by {@link peerGone}.
 */
export class RingTransport implements Transport, DoorbellClient {
  readonly maxMessageSize: number;
  readonly #incoming: RingMemory;
  readonly #outgoing: RingMemory;
  #reader: RingReader;
  #writer: RingWriter;
  readonly #listener: DoorbellListener;
  readonly #peer: Doorbell;
  readonly #awaited: boolean;
  #events: TransportEvents | undefined;
  #reading = false;
  #watchesEnd = false;
  #goneTold = false;
  #refused = false;
  #peerGone = false;
  #closed = false;
  readonly #follow: ((on: boolean) => void) | undefined;
  readonly #onClose: (() => void) | undefined;
  readonly #onCorrupt: ((error: Error) => void) | undefined;
  #corrupt = false;
  readonly #roomNow = () => this.#writer.hasRoom();

  constructor({ incoming, outgoing, listener, peer, ...options }: RingTransportOptions) {
    this.maxMessageSize = options.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE;
    this.#awaited = options.awaited ?? false;
    this.#follow = options.follow;
    this.#onClose = options.onClose;
    this.#onCorrupt = options.onCorrupt;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#reader = new RingReader(incoming, this.maxMessageSize);
    this.#writer = new RingWriter(outgoing);
    this.#listener = listener;
    this.#peer = peer;
  }

  /** Messages that a death cut off, see {@link RingReader.abandoned}. */
  get abandoned(): number {
    return this.#reader.abandoned;
  }

  get hasUnfinished(): boolean {
    return this.#reader.hasUnfinished;
  }

  /**
   * The other side has gone for good: the transport ends once everything has been taken, and what is sent until then is
   * dropped, since it will never be read.
   */
  peerGone(): void {
    if (this.#closed || this.#peerGone) return;
    this.#peerGone = true;
    this.#listener.doorbell.poke();
  }

  /** Has the other side look, whatever the word of its doorbell says: some process may have written over that. */
  pokePeer(): void {
    if (!this.#closed) this.#peer.poke();
  }

  /** A ring contradicts itself, or what came by one: nothing is read or written until `reset`. */
  get corrupt(): boolean {
    return this.#corrupt;
  }

  /** Reads and writes no more, as for a ring that contradicts itself: the messages of the other side make no sense. */
  distrust(error: Error): void {
    if (this.#closed || this.#corrupt) return;
    this.#corrupt = true;
    this.#onCorrupt?.(error);
  }

  /**
   * Makes both rings empty and goes on with them. The process at the other side must have ended, and the next must not
   * have opened them yet.
   */
  reset(): void {
    if (this.#closed) return;
    resetRing(this.#incoming);
    resetRing(this.#outgoing);
    this.#reader = new RingReader(this.#incoming, this.maxMessageSize);
    this.#writer = new RingWriter(this.#outgoing);
    this.#corrupt = false;
    // What has waited goes first.
    this.#refused = true;
    this.#listener.doorbell.poke();
  }

  get awaited(): boolean {
    return this.#awaited || this.#events?.awaited === true;
  }

  start(events: TransportEvents): void {
    this.#events = events;
    this.#listener.add(this);
    // A predecessor may have died after a message and before the ring of the bell, or with the other side waiting.
    this.#peer.poke();
  }

  trySend(frame: Frame): boolean {
    if (this.#peerGone) return true;
    if (this.#corrupt) return false;
    let written = false;
    try {
      written = this.#writer.tryWrite(frame);
    } catch (error) {
      this.#writeFailed(error);
    }
    if (!written || this.#writer.pendingBytes > 0) {
      // The reader can make room only for what it has been told of.
      this.#refused = true;
      this.flush();
    }
    return written;
  }

  flush(): void {
    if (!this.#closed && !this.#corrupt && this.#writer.takeNews()) this.#peer.ring();
  }

  get pendingBytes(): number {
    return this.#peerGone ? 0 : this.#writer.pendingBytes;
  }

  get unreadBytes(): number {
    return this.#closed ? 0 : this.#writer.unreadBytes;
  }

  get takenBytes(): number {
    return this.#closed ? 0 : this.#writer.takenBytes;
  }

  receive(visit: FrameVisitor, limit: number): number {
    if (this.#closed || this.#corrupt) return 0;
    // Of a look in vain nothing follows but the end: a waiting writer was told of the room when it was made.
    const count = this.#reader.hasMore ? this.#taking(visit, limit) : 0;
    if (this.#closed || this.#corrupt) return count;
    // The end is reported from `service`.
    if (this.#peerGone && !this.#reader.hasMore) this.#listener.doorbell.poke();
    return count;
  }

  watchEnd(): void {
    this.#watchesEnd = true;
    if (this.#peerGone && !this.#closed) this.#listener.doorbell.poke();
  }

  looked(): void {
    if (!this.#closed) this.#listener.polledInVain();
  }

  setReading(on: boolean): void {
    this.#reading = on;
    if (on && !this.#closed && !this.#corrupt && this.#reader.hasMore) this.#listener.doorbell.poke();
  }

  service(): void {
    if (this.#corrupt) return;
    if (this.#reading && this.#reader.hasMore) this.#read();
    if (!this.#closed && this.#refused && (this.#peerGone || this.#hasRoom())) this.#resume();
    if (this.#closed || !this.#peerGone) return;
    if (!this.#reader.hasMore) return this.#events?.ended();
    if (!this.#tellsGone) return;
    this.#goneTold = true;
    this.#events?.gone?.();
  }

  /** There is a listener for the end, and no reader of what comes before it. */
  get #tellsGone(): boolean {
    return this.#peerGone && this.#watchesEnd && !this.#reading && !this.#goneTold;
  }

  get hasWork(): boolean {
    if (this.#closed || this.#corrupt) return false;
    if (this.#reader.hasMore ? this.#reading || this.#tellsGone : this.#peerGone) return true;
    return this.#refused && (this.#peerGone || this.#hasRoom());
  }

  ref(): void {
    this.#listener.ref();
    this.#follow?.(true);
  }

  unref(): void {
    this.#listener.unref();
    this.#follow?.(false);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.remove(this);
    this.#onClose?.();
  }

  #hasRoom(): boolean {
    return this.#written(this.#roomNow);
  }

  /** What `write` says, or false when the ring contradicts itself. */
  #written(write: () => boolean): boolean {
    try {
      return write();
    } catch (error) {
      this.#writeFailed(error);
      return false;
    }
  }

  #writeFailed(error: unknown): void {
    if (error !== this.#writer.failure) throw error;
    if (this.#onCorrupt === undefined) this.#events?.ended(error as Error);
    else this.distrust(error as Error);
  }

  #taking(visit: FrameVisitor, limit: number): number {
    let count = 0;
    try {
      count = this.#reader.read(visit, limit);
    } catch (error) {
      if (error !== this.#reader.failure || this.#onCorrupt === undefined) throw error;
      this.distrust(error as Error);
    }
    if (!this.#closed && !this.#corrupt && this.#reader.writerWaits()) this.#peer.ring();
    return count;
  }

  #read(): void {
    try {
      this.#events?.readable();
    } catch (error) {
      // A listener may throw errors of the same kind.
      if (error !== this.#reader.failure) throw error;
      this.#events?.ended(error as Error);
    }
  }

  /** There is room: goes on with a large message, then with what was refused. */
  #resume(): void {
    const done = this.#peerGone || this.#written(() => this.#writer.continue());
    this.flush();
    if (!done || this.#corrupt) return;
    this.#refused = false;
    this.#events?.writable();
  }
}
