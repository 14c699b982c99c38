import { checkOptions, optionNames } from '../arguments/option-names.js';
import type { Codec } from '../codec/codec.js';
import {
  BREAK,
  CONTINUE,
  type Frame,
  type FrameVisitor,
  type Transport,
  type TransportEvents,
  type VisitAction,
} from '../interface/transport.js';
import type { ChannelOptions } from './channel-options.js';
import { SendQueue } from './send-queue.js';
import { TransportChannel } from './transport-channel.js';

/** The in-process twin of a transport: a bounded queue of copied messages, reported through microtasks. */
class MemoryTransport implements Transport {
  readonly maxMessageSize: number;
  readonly pendingBytes = 0;
  peer!: MemoryTransport;
  readonly #capacity: number;
  readonly #capacityBytes: number;
  readonly #inbox = new SendQueue();
  #events: TransportEvents | undefined;
  #reading = false;
  #watchesEnd = false;
  #waking = false;
  /** A message has been refused, and waits. */
  #refused = false;
  /** This side has met the other's end: it has sent something since, or has looked for more. */
  #metEnd = false;
  #closed = false;

  constructor(capacity: number, capacityBytes: number, maxMessageSize: number) {
    this.#capacity = capacity;
    this.#capacityBytes = capacityBytes;
    this.maxMessageSize = maxMessageSize;
  }

  start(events: TransportEvents): void {
    this.#events = events;
  }

  trySend(frame: Frame): boolean {
    if (this.peer.#closed) {
      // It can no longer arrive. The end is next, or comes once what the peer had sent is taken, which nothing may delay.
      this.#metEnd = true;
      this.#wake();
      return !this.#inbox.empty;
    }
    if (!this.peer.#hasRoom(frame.length)) {
      this.#refused = true;
      return false;
    }
    this.peer.#inbox.push(frame);
    return true;
  }

  flush(): void {
    this.peer.#wake();
  }

  receive(visit: FrameVisitor, limit: number): number {
    let count = 0;
    let action: VisitAction = CONTINUE;
    for (; count < limit && action !== BREAK && !this.#inbox.empty; count++) {
      const message = this.#inbox.take();
      action = visit(message, 0, message.length);
    }
    if (this.peer.#refused && count > 0) {
      this.peer.#refused = false;
      queueMicrotask(() => this.peer.#events?.writable());
    }
    if (count === 0 && this.peer.#closed) this.#metEnd = true;
    // What is left waits for the next turn of the loop, which other work has its share of.
    this.#wake(this.#inbox.empty ? queueMicrotask : setImmediate);
    return count;
  }

  setReading(on: boolean): void {
    this.#reading = on;
    this.#wake();
  }

  watchEnd(): void {
    this.#watchesEnd = true;
    this.#wake();
  }

  ref(): void {}

  unref(): void {}

  close(): void {
    this.#closed = true;
    this.#inbox.clear();
    this.peer.#wake();
  }

  /** Any message fits an empty inbox, as a message larger than a ring streams through it. */
  #hasRoom(length: number): boolean {
    if (this.#inbox.empty) return true;
    return this.#inbox.size < this.#capacity && this.#inbox.bytes + length <= this.#capacityBytes;
  }

  /** Reports what there is to report, after the current work. */
  #wake(soon: (report: () => void) => void = queueMicrotask): void {
    if (this.#closed || this.#waking) return;
    this.#waking = true;
    soon(this.#report);
  }

  readonly #report = () => {
    this.#waking = false;
    if (this.#closed) return;
    if (this.peer.#closed && this.#refused) {
      // No room will come any more; the reader may wait for the rest of a batch of which a message was refused.
      this.#refused = false;
      this.#metEnd = true;
      this.#events?.writable();
    }
    if (!this.#inbox.empty) {
      if (this.#reading) this.#events?.readable();
      else if (this.peer.#closed && this.#watchesEnd) this.#events?.gone?.();
    } else if (this.peer.#closed && (this.#reading || this.#metEnd)) this.#events?.ended();
    // A turn later: the handler of the last message runs first.
    else if (this.peer.#closed && this.#watchesEnd)
      setImmediate(() => {
        if (!this.#closed && this.#inbox.empty) this.#events?.ended();
      });
  };
}

export interface MemoryPairOptions extends ChannelOptions {
  /** Messages that each side's inbox holds. Default 1,024. */
  readonly capacity?: number;
  /** Bytes that each side's inbox holds; a larger message is taken when it is empty. Default 1 MiB. */
  readonly capacityBytes?: number;
  /** Default 16 MiB. */
  readonly maxMessageSize?: number;
}

const MEMORY_OPTIONS = optionNames<ChannelOptions>({
  highWaterMark: true,
  hardLimit: true,
  batch: true,
  schedule: true,
});

/** Two ends of a channel within one thread: the same contract, no kernel object. For tests and for laptops. */
export function createMemoryPair<A, B = A>(
  codec: () => Codec<A, B>,
  { capacity = 1024, capacityBytes = 1 << 20, maxMessageSize = 16 << 20, ...options }: MemoryPairOptions = {},
): [TransportChannel<A, B>, TransportChannel<A, B>] {
  checkOptions(options, MEMORY_OPTIONS, 'An in-memory pair');
  const left = new MemoryTransport(capacity, capacityBytes, maxMessageSize);
  const right = new MemoryTransport(capacity, capacityBytes, maxMessageSize);
  left.peer = right;
  right.peer = left;
  return [new TransportChannel(left, codec(), options), new TransportChannel(right, codec(), options)];
}
