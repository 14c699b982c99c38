import { type Bytes, bytesOrText } from '@millrace/channel';
import type { SocketAddress } from '@millrace/reactor';
import type { SessionGateway } from '../sessions/session-gateway.js';

/** Who has sent a datagram, and the way back to them. */
export class PacketClient {
  /** `{ host, port }`; of a unix socket `{ path }`, empty where the sender has none and cannot be answered. */
  readonly address: SocketAddress;
  /** Index of the listener that it came to. */
  readonly port: number;
  readonly #gateway: SessionGateway;

  constructor(gateway: SessionGateway, address: SocketAddress, port: number) {
    this.#gateway = gateway;
    this.address = address;
    this.port = port;
  }

  /** Sends a datagram back, from the listener that this one came to. As `server.sendTo`. */
  reply(data: string | Bytes): boolean | undefined {
    return this.#gateway.sendTo(this.port, this.address, bytesOrText(data));
  }
}
