import { type BoundDatagram, DatagramSocket, type SocketAddress } from '@millrace/reactor';
import { asListener, type ListenerIndex, type PeerId, reactorOfListener } from '../contract/ids.js';
import { decodePeer, encodePeer, PEER_BYTES, showPeer } from '../links/datagram-peer.js';
import * as packet from '../links/packet.js';
import { processesOf } from '../links/topology.js';
import { showPort } from '../options/resolved-port.js';
import { DROPPED_PACKETS } from '../shared/counters-layout.js';
import type { ReactorContext } from './reactor-context.js';

/**
 * The datagram listeners of one reactor thread. Datagrams have no sender that could be slowed down: what a worker has
 * no room for, and what the kernel has none for on the way out, is dropped, counted, and logged.
 */
export class DatagramPorts {
  readonly #context: ReactorContext;
  readonly #sockets = new Map<ListenerIndex, DatagramSocket>();

  constructor(context: ReactorContext) {
    this.#context = context;
    const { datagrams, index, topology } = context.data;
    // In base mode every worker receives what comes, as it comes.
    for (const [at, bound] of datagrams.entries()) {
      const listener = asListener(at);
      if (bound !== undefined && (topology.base || reactorOfListener(listener, topology.reactors) === index))
        this.#open(listener, bound);
    }
  }

  /** Sends what a process has asked for. */
  send(message: packet.Packet, peer: PeerId): void {
    const { listener, body, start, end, aux } = message;
    const socket = this.#sockets.get(listener);
    if (socket === undefined) return;
    if (aux < PEER_BYTES || aux > end - start)
      throw new packet.PacketError(`A datagram of ${end - start} bytes has no address of ${aux}.`);
    const to = decodePeer(body as Buffer, start, start + aux);
    const { topology } = this.#context.data;
    // Who has less rights sends there itself, and none of ours asks for it.
    if ('path' in to && topology.datagrams.includes(listener) && peer < processesOf(topology))
      return this.#dropped(listener, `process ${peer} is to send to ${showPeer(to)} itself`);
    try {
      const sent = socket.send((body as Buffer).subarray(start + aux, end), to);
      if (!sent) return this.#dropped(listener, `the kernel has no room for a datagram to ${showPeer(to)}`);
      this.#context.traffic.sent(listener, end - start - aux);
    } catch (error) {
      this.#dropped(listener, (error as Error).message);
    }
  }

  pause(): void {
    for (const socket of this.#sockets.values()) socket.pause();
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
  }

  #open(listener: ListenerIndex, bound: Pick<BoundDatagram, 'fd' | 'address'>): void {
    const socket = new DatagramSocket(this.#context.reactor, bound, {
      handlers: {
        onMessage: (_, memory, end, from, truncated) =>
          this.#received(listener, memory, end, from, truncated),
        onError: (_, error) => this.#dropped(listener, error.message),
      },
    });
    this.#sockets.set(listener, socket);
  }

  #received(
    listener: ListenerIndex,
    memory: Buffer,
    end: number,
    from: SocketAddress,
    truncated: boolean,
  ): void {
    const { dispatcher, out } = this.#context;
    this.#context.traffic.received(listener, 1, end);
    if (truncated) return this.#dropped(listener, `a datagram of ${showPeer(from)} is longer than 64 KiB`);
    const worker = dispatcher.pickForHost('host' in from ? from.host : from.path);
    if (!dispatcher.takesDatagram(worker))
      return this.#dropped(listener, `worker ${worker.worker} does not keep up`);
    const address = encodePeer(from);
    const body = Buffer.concat([address, memory.subarray(0, end)]);
    dispatcher.sendDatagram(worker, out.set(packet.DATAGRAM, 0, address.length, listener).with(body));
  }

  #dropped(listener: ListenerIndex, why: string): void {
    this.#context.count(DROPPED_PACKETS, 1);
    this.#context.log('datagram', `Dropped a datagram at ${showPort(this.#context.port(listener))}: ${why}`);
  }
}
