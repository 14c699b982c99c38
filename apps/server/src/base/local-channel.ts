import type { ChannelEvents } from '@millrace/channel';
import { HandlerList } from '@millrace/channel/internal';
import { Packet } from '../links/packet.js';
import type { PacketChannel } from '../links/packet-channel.js';

/** Bytes that a packet counts for while it waits, its body apart. */
const PACKET_BYTES = 64;

export interface LocalChannelOptions {
  /** Whether what comes to this end is delivered within `send`, or after what is going on; in the order of sending. */
  readonly direct: (packet: Packet) => boolean;
  /** Runs a function when what is going on is over. */
  readonly schedule: (deliver: () => void) => void;
}

/**
 * One of two ends in one process, in place of rings: `send` at one end calls the listener of the other. A packet waits,
 * as a copy, where the other end has no listener yet or is paused, and where it has to come after what is going on.
 */
export class LocalChannel implements PacketChannel {
  /** The other end. */
  other!: LocalChannel;
  readonly #direct: LocalChannelOptions['direct'];
  readonly #schedule: LocalChannelOptions['schedule'];
  readonly #deliver = () => {
    this.#scheduled = false;
    this.deliverNow();
  };
  readonly #listeners = new HandlerList<Packet>();
  readonly #drains = new HandlerList<void>();
  #paused = false;
  #closed = false;
  #scheduled = false;
  #waiting: Packet[] = [];
  #waitingBytes = 0;

  private constructor({ direct, schedule }: LocalChannelOptions) {
    this.#direct = direct;
    this.#schedule = schedule;
  }

  static pair(left: LocalChannelOptions, right: LocalChannelOptions): [LocalChannel, LocalChannel] {
    const [first, second] = [new LocalChannel(left), new LocalChannel(right)];
    first.other = second;
    second.other = first;
    return [first, second];
  }

  /** False: the other end is paused. Undefined: one of the ends is closed, and nothing is sent. */
  send(packet: Packet): boolean | undefined {
    if (this.#closed || this.other.#closed) return undefined;
    this.other.#take(packet);
    return this.writable;
  }

  /** Of a call there is nothing unread. */
  readonly unreadBytes = 0;
  readonly takenBytes = 0;

  get writable(): boolean {
    return !this.other.#paused;
  }

  /** Bytes that the other end has not taken. */
  get queuedBytes(): number {
    return this.other.#waitingBytes;
  }

  flush(): void {}

  /** What has been sent arrives without a further step. */
  async drained(): Promise<void> {}

  on<Name extends 'message' | 'drain'>(name: Name, handler: ChannelEvents<Packet>[Name]): this {
    if (name === 'drain') this.#drains.add(handler as () => void);
    else {
      this.#listeners.add(handler);
      this.#deliverSoon();
    }
    return this;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#deliverSoon();
    this.other.#drains.call?.();
  }

  async finishReading(): Promise<void> {
    this.pause();
  }

  /** Delivers what waits by now, in this call. */
  deliverNow(): void {
    const waiting = this.#waiting;
    const listener = this.#listeners.call;
    if (waiting.length === 0 || listener === undefined || this.#paused) return;
    this.#waiting = [];
    for (const [index, packet] of waiting.entries()) {
      if (this.#closed) return;
      if (this.#paused) {
        // Before whatever has come meanwhile.
        this.#waiting.unshift(...waiting.slice(index));
        return;
      }
      this.#waitingBytes -= PACKET_BYTES + packet.end;
      listener(packet);
    }
    this.#deliverSoon();
  }

  destroy(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #take(packet: Packet): void {
    const listener = this.#listeners.call;
    if (listener !== undefined && this.#direct(packet)) {
      if (this.#waiting.length > 0) this.deliverNow();
      if (!this.#paused) return listener(packet);
    }
    const { type, session, aux, listener: index, body, start, end, own } = packet;
    const copy = new Packet().set(type, session, aux, index);
    // Packets are reused, and what they carry is the sender's, unless it was given away.
    if (end > start) copy.with(own ? body.subarray(start, end) : Buffer.from(body.subarray(start, end)));
    copy.own = own;
    this.#waiting.push(copy);
    this.#waitingBytes += PACKET_BYTES + copy.end;
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (this.#scheduled || this.#closed || this.#paused) return;
    if (this.#waiting.length === 0 || this.#listeners.call === undefined) return;
    this.#scheduled = true;
    this.#schedule(this.#deliver);
  }
}
