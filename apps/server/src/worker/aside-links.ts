import type { ChildProcessContext } from '@millrace/process-pool';
import { asReactor, type ReactorIndex, type WorkerId } from '../contract/ids.js';
import * as packet from '../links/packet.js';
import type { PacketChannel } from '../links/packet-channel.js';
import { ASIDE, ASIDE_FILES, ASIDE_LINK, linksOf } from '../links/server-plan.js';
import type { Topology } from '../links/topology.js';

/** The links of a process that gives its place up: one to each reactor thread, for what it still has. */
export class AsideLinks {
  readonly channels: readonly PacketChannel[];
  readonly fileSockets: readonly number[];
  readonly #out = new packet.Packet();

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
        const { type, aux } = message;
        if (type === packet.RETIRED) isOwn ||= aux === process.pid;
        else if (!isOwn) return;
        else if (type === packet.ASK_TAKEN) channel.send(this.#out.set(packet.TAKEN, 0, aux));
        else take(message, reactor);
      });
    }
  }

  /** After everything that was sent is out. */
  async close(): Promise<void> {
    await Promise.all(this.channels.map((channel) => channel.drained()));
    for (const channel of this.channels) channel.destroy();
  }
}
