import type { Bytes } from '@millrace/channel';
import type { SocketAddress } from '@millrace/reactor';

/** Who has sent a datagram, and the way back to them. */
export interface PacketClient {
  /** `{ host, port }`; of a unix socket `{ path }`, empty where the sender has none and cannot be answered. */
  readonly address: SocketAddress;
  /** Index of the listener that it came to. */
  readonly port: number;
  /** Sends a datagram back, from the listener that this one came to. As `server.sendTo`. */
  reply(data: string | Bytes): boolean | undefined;
}
