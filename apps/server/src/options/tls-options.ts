/** A key or certificate: PEM text or bytes, or the path of a file that holds it. Files are the master's to read. */
export type Pem = string | URL | Uint8Array;

/** A certificate and its key. */
export interface TlsIdentity {
  /** The private key. */
  readonly key: Pem;
  /** The certificate, followed by those between it and its authority. */
  readonly cert: Pem;
  /** What the key is encrypted with. */
  readonly passphrase?: string;
}

/** TLS of a listener. What is in files is read at the start and when certificates are reloaded. */
export interface TlsOptions extends TlsIdentity {
  /** Other certificates by the name that the client asks for; `*.example.org` stands for one label. */
  readonly sni?: Readonly<Record<string, TlsIdentity>>;
  /** Authorities that client certificates are checked against. Default: those that Node.js brings. */
  readonly ca?: Pem | readonly Pem[];
  /** Certificates that `ca` has taken back. */
  readonly crl?: Pem | readonly Pem[];
  /** Whether clients are asked for a certificate. Default false. */
  readonly requestCert?: boolean;
  /** Whether clients without a good one are refused, where one is asked for. Default true. */
  readonly rejectUnauthorized?: boolean;
  /** Default `'TLSv1.2'`. */
  readonly minVersion?: TlsVersion;
  /** Default `'TLSv1.3'`. */
  readonly maxVersion?: TlsVersion;
  /** As OpenSSL names them, with `:` in between. Default: Node's. */
  readonly ciphers?: string;
  /** Whether the server's order of ciphers counts. Default true. */
  readonly honorCipherOrder?: boolean;
  /** Curves, as OpenSSL names them, with `:` in between. Default: Node's. */
  readonly ecdhCurve?: string;
  /** Protocols above TLS, the preferred one first; a client that offers others alone is refused. Default: any. */
  readonly alpnProtocols?: readonly string[];
  /** Milliseconds that a client may take for the handshake. Default 10,000. */
  readonly handshakeTimeout?: number;
}

export const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** What is PEM, and not a path. */
const PEM_MARK = '-----BEGIN ';

/** Where PEM comes from: text, or the path of a file. */
export type ResolvedPem = { readonly text: string } | { readonly path: string };

export function isPem(text: string): boolean {
  return text.includes(PEM_MARK);
}
