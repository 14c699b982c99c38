import type { ReactorIndex, SessionId } from '../contract/ids.js';
import { Packet, RECEIVE } from '../links/packet.js';

/** Bytes that are held for one listener, beyond which a client that sends more is closed. */
const HELD_BYTES = 16 << 20;
/** Bytes that a packet counts for, its body apart. */
const PACKET_BYTES = 64;

/** Packets of a listener that the program does not listen on in this process yet, as copies, in their order. */
export class HeldMessages {
  readonly #packets: { readonly packet: Packet; readonly reactor: ReactorIndex }[] = [];
  #bytes = 0;

  /** False: there is no room, and the packet is not held. */
  hold(message: Packet, reactor: ReactorIndex): boolean {
    const { type, session, aux, listener, start, end } = message;
    const size = PACKET_BYTES + end - start;
    if (type === RECEIVE && this.#bytes + size > HELD_BYTES) return false;
    const packet = new Packet().set(type, session, aux, listener);
    if (end > start) packet.with(message.kept());
    this.#packets.push({ packet, reactor });
    this.#bytes += size;
    return true;
  }

  /** Gives them to `take`, and has them no longer. */
  release(take: (packet: Packet, reactor: ReactorIndex) => void): void {
    this.#bytes = 0;
    for (const { packet, reactor } of this.#packets.splice(0)) take(packet, reactor);
  }

  /** Sessions that something is held of. */
  get sessions(): ReadonlySet<SessionId> {
    return new Set(this.#packets.map(({ packet }) => packet.session));
  }
}
