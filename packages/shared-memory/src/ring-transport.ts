import type { Frame, FrameVisitor, Transport, TransportEvents } from '@millrace/channel';
import type { Doorbell } from './doorbell.js';
import type { DoorbellClient, DoorbellListener } from './doorbell-listener.js';
import type { RingMemory } from './ring.js';
import { RingReader } from './ring-reader.js';
import { RingWriter } from './ring-writer.js';

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
  readonly #reader: RingReader;
  readonly #writer: RingWriter;
  readonly #listener: DoorbellListener;
  readonly #peer: Doorbell;
  readonly #awaited: boolean;
  #events: TransportEvents | undefined;
  #reading = false;
  #refused = false;
  #peerGone = false;
  #closed = false;
  readonly #follow: ((on: boolean) => void) | undefined;
  readonly #onClose: (() => void) | undefined;

  constructor({ incoming, outgoing, listener, peer, ...options }: RingTransportOptions) {
    this.maxMessageSize = options.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE;
    this.#awaited = options.awaited ?? false;
    this.#follow = options.follow;
    this.#onClose = options.onClose;
    this.#reader = new RingReader(incoming, this.maxMessageSize);
    this.#writer = new RingWriter(outgoing);
    this.#listener = listener;
    this.#peer = peer;
  }

  /** Whether messages wait to be received. */
  get hasUnread(): boolean {
    return !this.#closed && this.#reader.hasMore;
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
   * dropped, since nobody will read it.
   */
  peerGone(): void {
    if (this.#closed || this.#peerGone) return;
    this.#peerGone = true;
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
    const written = this.#writer.tryWrite(frame);
    if (!written || this.#writer.pendingBytes > 0) {
      // The reader can make room only for what it has been told of.
      this.#refused = true;
      this.flush();
    }
    return written;
  }

  flush(): void {
    if (!this.#closed && this.#writer.takeNews()) this.#peer.ring();
  }

  get pendingBytes(): number {
    return this.#peerGone ? 0 : this.#writer.pendingBytes;
  }

  receive(visit: FrameVisitor, limit: number): number {
    if (this.#closed) return 0;
    // Of a look in vain nothing follows but the end: a waiting writer was told of the room when it was made.
    const count = this.#reader.hasMore ? this.#taking(visit, limit) : 0;
    if (this.#closed) return count;
    // The end is reported from `service`.
    if (this.#peerGone && !this.#reader.hasMore) this.#listener.doorbell.poke();
    return count;
  }

  looked(): void {
    if (!this.#closed) this.#listener.looked();
  }

  setReading(on: boolean): void {
    this.#reading = on;
    if (on && !this.#closed && this.#reader.hasMore) this.#listener.doorbell.poke();
  }

  service(): void {
    if (this.#reading && this.#reader.hasMore) this.#read();
    if (!this.#closed && this.#refused && (this.#peerGone || this.#writer.hasRoom())) this.#resume();
    if (!this.#closed && this.#peerGone && !this.#reader.hasMore) this.#events?.ended();
  }

  get hasWork(): boolean {
    if (this.#closed) return false;
    if (this.#reader.hasMore ? this.#reading : this.#peerGone) return true;
    return this.#refused && (this.#peerGone || this.#writer.hasRoom());
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

  #taking(visit: FrameVisitor, limit: number): number {
    const count = this.#reader.read(visit, limit);
    if (!this.#closed && this.#reader.writerWaits()) this.#peer.ring();
    return count;
  }

  #read(): void {
    try {
      this.#events?.readable();
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_MILLRACE_RING_CORRUPT') throw error;
      this.#events?.ended(error as Error);
    }
  }

  /** There is room: goes on with a large message, then with what was refused. */
  #resume(): void {
    const done = this.#peerGone || this.#writer.continue();
    this.flush();
    if (!done) return;
    this.#refused = false;
    this.#events?.writable();
  }
}
