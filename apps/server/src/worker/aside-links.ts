import type { ChildProcessContext } from '@millrace/process-pool';
import { asReactor, type ReactorIndex, type WorkerId } from '../contract/ids.js';
import * as packet from '../links/packet.js';
import type { PacketChannel } from '../links/packet-channel.js';
import { ASIDE, ASIDE_FILES, ASIDE_LINK, linksOf } from '../links/server-plan.js';
import type { Topology } from '../links/topology.js';

/** No session has this number. */
const NO_SESSION = 0;

/** The links of a process that gives its place up: one to each reactor thread, for what it still has. */
export class AsideLinks {
  readonly channels: readonly PacketChannel[];
  readonly fileSockets: readonly number[];
  readonly #out = new packet.Packet();
  #answers = 0;
  #answered: () => void = () => {};

  /** `onCorrupt`: what has come by one of them makes no sense. */
  constructor(
    child: ChildProcessContext,
    { topology, id }: { readonly topology: Topology; readonly id: WorkerId },
    onCorrupt: (error: Error) => void,
  ) {
    const links = linksOf(topology).open(ASIDE, id, (name) => child.descriptor(name));
    const reactors = Array.from({ length: topology.reactors }, (_, index) => asReactor(index));
    this.fileSockets = reactors.map((reactor) => links.socket(ASIDE_FILES, reactor));
    this.channels = reactors.map((reactor) => {
      const { channel } = links.end<packet.Packet>(ASIDE_LINK, reactor, {
        codec: packet.packetCodec(),
        // As of the main links.
        channel: { hardLimit: Number.POSITIVE_INFINITY },
        onCorrupt,
      });
      channel.on('drain', () => channel.resume());
      return channel;
    });
  }

  /** Reads from here on. What lies there from before RETIRED was for a process that had these links once, and has ended. */
  listen(take: (message: packet.Packet, reactor: ReactorIndex) => void): void {
    for (const [index, channel] of this.channels.entries()) {
      const reactor = asReactor(index);
      let isOwn = false;
      channel.on('message', (message) => {
        const { type, session, aux } = message;
        if (type === packet.RETIRED) isOwn ||= aux === process.pid;
        else if (!isOwn) return;
        else if (type === packet.ASK_TAKEN) channel.send(this.#out.set(packet.TAKEN, NO_SESSION, aux));
        else if (type === packet.DRAINED && session === NO_SESSION) this.#roundTripEnded();
        else take(message, reactor);
      });
    }
  }

  /** Resolves when every reactor thread has acted on what was sent before, and what it has answered has come. */
  async roundTrip(): Promise<void> {
    this.#answers = 0;
    const all = new Promise<void>((resolve) => {
      this.#answered = resolve;
    });
    for (const channel of this.channels) channel.send(this.#out.set(packet.DRAIN, NO_SESSION));
    await all;
  }

  #roundTripEnded(): void {
    if (++this.#answers === this.channels.length) this.#answered();
  }

  /** After everything that was sent is out. */
  async close(): Promise<void> {
    await Promise.all(this.channels.map((channel) => channel.drained()));
    for (const channel of this.channels) channel.destroy();
  }
}
