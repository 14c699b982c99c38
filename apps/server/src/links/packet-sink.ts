import { Packet } from './packet.js';

/** Where packets for one reactor thread go. */
export interface PacketSink {
  /** False: sent, but much waits. Undefined: not sent, since this process has given the link up. */
  send(packet: Packet): boolean | undefined;
  readonly queuedBytes: number;
  /** Bytes that the reactor thread has been given and has not read, where that is known. */
  readonly unreadBytes: number;
  drained(): Promise<void>;
}

/** Keeps packets, in their order, until there is a way to the reactor thread. */
export class HeldPackets implements PacketSink {
  readonly #packets: Packet[] = [];
  queuedBytes = 0;
  readonly unreadBytes = 0;

  send({ type, session, aux, listener, body, start, end }: Packet): boolean {
    // Packets are reused, and what they carry is the caller's.
    const copy = Buffer.from(body.subarray(start, end));
    this.#packets.push(new Packet().set(type, session, aux, listener).with(copy));
    this.queuedBytes += copy.length;
    return true;
  }

  /** No wait for what has no link yet: a process that ends before it has one, never had clients. */
  async drained(): Promise<void> {}

  release(to: PacketSink): void {
    for (const packet of this.#packets.splice(0)) to.send(packet);
    this.queuedBytes = 0;
  }
}
