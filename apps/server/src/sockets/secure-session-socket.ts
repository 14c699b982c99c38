import type { TlsInfo } from '../contract/client-info.js';
import type { SessionLink } from './session-link.js';
import { SessionSocket, type SessionSocketOptions } from './session-socket.js';

/** What `tls.TLSSocket.getPeerCertificate` gives, as far as the server keeps it. */
interface Certificate {
  readonly subject?: Readonly<Record<string, string>>;
  readonly fingerprint256?: string;
  readonly serialNumber?: string;
  readonly valid_to?: string;
}

/** A connection whose TLS ends in the reactor: what a `tls.TLSSocket` tells of it, it tells as well. */
export class SecureSessionSocket extends SessionSocket {
  readonly encrypted = true;
  /** What programs and libraries look at that ask whether the handshake is over, although it is no interface of Node's. */
  readonly _secureEstablished = true;
  readonly #info: TlsInfo | undefined;

  constructor(link: SessionLink, options: SessionSocketOptions, info: TlsInfo | undefined) {
    super(link, options);
    this.#info = info;
  }

  get authorized(): boolean {
    return this.#info?.authorized ?? false;
  }

  get authorizationError(): string | undefined {
    return this.#info?.authorizationError;
  }

  get alpnProtocol(): string | false {
    return this.#info?.alpnProtocol ?? false;
  }

  get servername(): string | false {
    return this.#info?.servername ?? false;
  }

  getProtocol(): string | null {
    return this.#info?.protocol ?? null;
  }

  getCipher():
    | { readonly name: string; readonly standardName: string; readonly version: string }
    | undefined {
    if (this.#info === undefined) return undefined;
    const { cipher, protocol } = this.#info;
    return { name: cipher, standardName: cipher, version: protocol };
  }

  /** An empty object where the client has none, as in node:tls. */
  getPeerCertificate(): Certificate {
    const certificate = this.#info?.peerCertificate;
    if (certificate === undefined) return {};
    const { subject, fingerprint256, serialNumber, validTo } = certificate;
    return {
      fingerprint256,
      ...(subject !== undefined && { subject: attributes(subject) }),
      ...(serialNumber !== undefined && { serialNumber }),
      ...(validTo !== undefined && { valid_to: validTo }),
    };
  }
}

/** `CN=client\nO=…` as an object. */
function attributes(subject: string): Readonly<Record<string, string>> {
  const pairs = subject.split('\n').map((line) => {
    const equals = line.indexOf('=');
    return [line.slice(0, equals), line.slice(equals + 1)];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}
