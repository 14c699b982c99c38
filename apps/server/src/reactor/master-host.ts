import type { Reactor } from '@millrace/reactor';
import { LOG_LINE_BYTES } from '../constants.js';
import type { PeerId, ReactorIndex, SessionId } from '../contract/ids.js';
import * as packet from '../links/packet.js';
import type { PacketChannel } from '../links/packet-channel.js';
import type { ReactorHost } from './host.js';

/** The master, as a thread of it sees it: it is told by packets. */
export class MasterHost implements ReactorHost {
  readonly #reactor: Reactor;
  readonly #master: PacketChannel;
  readonly #index: ReactorIndex;
  readonly #out = new packet.Packet();

  constructor(reactor: Reactor, master: PacketChannel, index: ReactorIndex) {
    this.#index = index;
    this.#reactor = reactor;
    this.#master = master;
  }

  ready(): void {
    this.#master.send(this.#out.set(packet.READY, 0));
    this.#master.flush();
  }

  gone(session: SessionId): void {
    this.#master.send(this.#out.set(packet.GONE, session));
  }

  log(kind: string, text: string): void {
    const body = Buffer.from(`${kind}\t${text}`).subarray(0, LOG_LINE_BYTES);
    this.#master.send(this.#out.set(packet.LOG, 0).with(body));
  }

  corrupt(peer: PeerId, why: string): void {
    const body = Buffer.from(why).subarray(0, LOG_LINE_BYTES);
    this.#master.send(this.#out.set(packet.CORRUPT, packet.inPlaceOfSession(this.#index), peer).with(body));
  }

  resetDone(peer: PeerId): void {
    this.#master.send(this.#out.set(packet.RESET_DONE, 0, peer));
  }

  workerSettled(peer: PeerId): void {
    this.#master.send(this.#out.set(packet.WORKER_SETTLED, 0, peer));
  }

  resized(): void {
    this.#master.send(this.#out.set(packet.RESIZED, 0));
  }

  stopped(): void {
    this.#reactor.stop();
  }
}
