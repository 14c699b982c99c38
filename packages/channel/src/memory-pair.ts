import type { Codec } from './codec.js';
import type { Frame, FrameVisitor, Transport, TransportEvents } from './transport.js';
import { type ChannelOptions, TransportChannel } from './transport-channel.js';

/** The in-process twin of a transport: a bounded queue of copied messages, reported through microtasks. */
class MemoryTransport implements Transport {
  readonly maxMessageSize: number;
  readonly pendingBytes = 0;
  peer!: MemoryTransport;
  readonly #capacity: number;
  #inbox: Buffer[] = [];
  #events: TransportEvents | undefined;
  #reading = false;
  #refused = false;
  #closed = false;

  constructor(capacity: number, maxMessageSize: number) {
    this.#capacity = capacity;
    this.maxMessageSize = maxMessageSize;
  }

  start(events: TransportEvents): void {
    this.#events = events;
  }

  trySend(frame: Frame): boolean {
    if (this.peer.#closed || this.peer.#inbox.length >= this.#capacity) {
      this.#refused = true;
      return false;
    }
    const copy = Buffer.allocUnsafe(frame.length);
    frame.copyTo(copy, 0);
    this.peer.#inbox.push(copy);
    return true;
  }

  flush(): void {
    this.peer.#wake();
  }

  receive(visit: FrameVisitor, limit: number): number {
    let count = 0;
    for (; count < limit && this.#inbox.length > 0; count++) {
      const message = this.#inbox.shift() as Buffer;
      visit(message, 0, message.length);
    }
    if (this.peer.#refused && this.#inbox.length < this.#capacity) {
      this.peer.#refused = false;
      queueMicrotask(() => this.peer.#events?.writable());
    }
    this.#wake();
    return count;
  }

  setReading(on: boolean): void {
    this.#reading = on;
    this.#wake();
  }

  ref(): void {}

  unref(): void {}

  close(): void {
    this.#closed = true;
    this.#inbox = [];
    this.peer.#wake();
  }

  /** Reports what there is to report, after the current work. */
  #wake(): void {
    if (this.#closed) return;
    queueMicrotask(() => {
      if (this.#closed || !this.#reading) return;
      if (this.#inbox.length > 0) this.#events?.readable();
      else if (this.peer.#closed) this.#events?.ended();
    });
  }
}

export interface MemoryPairOptions extends ChannelOptions {
  /** Messages that each side's inbox holds. Default 1,024. */
  readonly capacity?: number;
  /** Default 16 MiB. */
  readonly maxMessageSize?: number;
}

/** Two ends of a channel within one thread: the same contract, no kernel object. For tests and for laptops. */
export function createMemoryPair<A, B = A>(
  codec: () => Codec<A, B>,
  { capacity = 1024, maxMessageSize = 16 << 20, ...options }: MemoryPairOptions = {},
): [TransportChannel<A, B>, TransportChannel<A, B>] {
  const left = new MemoryTransport(capacity, maxMessageSize);
  const right = new MemoryTransport(capacity, maxMessageSize);
  left.peer = right;
  right.peer = left;
  return [new TransportChannel(left, codec(), options), new TransportChannel(right, codec(), options)];
}
