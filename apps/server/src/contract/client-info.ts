import type { SessionCloseReason } from './close-reasons.js';

/** What any process can tell of a client, without asking anyone. Times are milliseconds since 1970. */
export interface ClientInfo {
  /** The port that the client has come by: its number (0: a unix socket), and the listener's index. */
  readonly serverPort: number;
  readonly port: number;
  readonly socketType: 'tcp' | 'tcp6' | 'unix';
  /** Empty and 0 for a unix socket. */
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly reactorId: number;
  /** The session's own worker: it gets `connect` and `close`, and all messages unless the dispatch mode says otherwise. */
  readonly workerId: number;
  /** What `bind` has given it. */
  readonly uid: number | undefined;
  readonly connectTime: number;
  /** Of the last bytes in either direction. */
  readonly lastTime: number;
  readonly lastReceiveTime: number;
  readonly lastSendTime: number;
  /** When a message of it last went to a worker; 0: never. Since then it may have waited for that worker. */
  readonly lastDispatchTime: number;
  /** Bytes that the server holds because the client has not read what was sent before. */
  readonly sendQueuedBytes: number;
  readonly protected: boolean;
  readonly paused: boolean;
  /** Of a client that came by TLS; undefined else. */
  readonly tls: TlsInfo | undefined;
  /** Undefined while the connection is open. */
  readonly closeReason: SessionCloseReason | undefined;
}

/** What is known of a client that came by TLS. */
export interface TlsInfo {
  /** `'TLSv1.3'`, say. */
  readonly protocol: string;
  /** As OpenSSL names it. */
  readonly cipher: string;
  /** The host name that the client has asked for. Undefined: none, or one too long to be kept. */
  readonly servername?: string;
  /** What was agreed on by ALPN. */
  readonly alpnProtocol?: string;
  /** Whether the client has a certificate that `ca` vouches for. */
  readonly authorized: boolean;
  /** Why it has none, where it was asked for one; OpenSSL's code. */
  readonly authorizationError?: string;
  /** The client's certificate, where there is one. */
  readonly peerCertificate?: PeerCertificate;
}

/** Its owner chooses how long all but the fingerprint are; what is too long to be kept is undefined. */
export interface PeerCertificate {
  /** A line for each attribute, as in node:crypto's `X509Certificate`. */
  readonly subject?: string;
  /** SHA-256 of the certificate, in hexadecimal with colons. */
  readonly fingerprint256: string;
  readonly serialNumber?: string;
  /** Until when it holds. */
  readonly validTo?: string;
}
