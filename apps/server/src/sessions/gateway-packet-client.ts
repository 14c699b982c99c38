import { type Bytes, bytesOrText } from '@millrace/channel';
import type { SocketAddress } from '@millrace/reactor';
import type { PacketClient } from '../contract/packet-client.js';
import type { SessionGateway } from './session-gateway.js';

/** Replies through the session gateway of the worker that has got the datagram. */
export class GatewayPacketClient implements PacketClient {
  readonly address: SocketAddress;
  readonly port: number;
  readonly #gateway: SessionGateway;

  constructor(gateway: SessionGateway, address: SocketAddress, port: number) {
    this.#gateway = gateway;
    this.address = address;
    this.port = port;
  }

  reply(data: string | Bytes): boolean | undefined {
    return this.#gateway.sendTo(this.port, this.address, bytesOrText(data));
  }
}
