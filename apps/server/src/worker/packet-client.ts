import { type Bytes, bytesOrText } from '@millrace/channel';
import type { SocketAddress } from '@millrace/reactor';
import type { Switchboard } from '../switchboard.js';

/** Who has sent a datagram, and the way back to them. */
export class PacketClient {
  /** `{ host, port }`; of a unix socket `{ path }`, empty where the sender has none and cannot be answered. */
  readonly address: SocketAddress;
  /** Index of the listener that it came to. */
  readonly port: number;
  readonly #switchboard: Switchboard;

  constructor(switchboard: Switchboard, address: SocketAddress, port: number) {
    this.#switchboard = switchboard;
    this.address = address;
    this.port = port;
  }

  /** Sends a datagram back, from the listener that this one came to. As `server.sendTo`. */
  reply(data: string | Bytes): boolean {
    return this.#switchboard.sendTo(this.port, this.address, bytesOrText(data));
  }
}
