/** A key or certificate: PEM text or bytes, or the path of a file that holds it. Files are the master's to read. */
export type Pem = string | URL | Uint8Array;

/** A certificate and its key. */
export interface TlsIdentity {
  /**
   * The private key.
   * @swoole `ssl_key_file`
   */
  readonly key: Pem;
  /**
   * The certificate, followed by those between it and its authority.
   * @swoole `ssl_cert_file`
   */
  readonly cert: Pem;
  /**
   * What the key is encrypted with.
   * @default none
   * @swoole `ssl_passphrase`
   */
  readonly passphrase?: string;
}

/** TLS of a listener. What is in files is read at the start and when certificates are reloaded. */
export interface TlsOptions extends TlsIdentity {
  /**
   * Other certificates by the name that the client asks for: `{ 'other.example': { key, cert, passphrase } }`. Names have
   * no case; `*.other.example` stands for one label, and gives way to a whole name.
   * @default {}
   * @swoole `ssl_sni_certs`
   */
  readonly sni?: Readonly<Record<string, TlsIdentity>>;
  /**
   * Authorities that client certificates are checked against. One that signs itself is allowed by being put in here.
   * @default those that Node.js brings
   * @swoole `ssl_client_cert_file`, `ssl_cafile`, `ssl_capath`
   */
  readonly ca?: Pem | readonly Pem[];
  /**
   * Certificates that `ca` has taken back.
   * @default none
   */
  readonly crl?: Pem | readonly Pem[];
  /**
   * Whether clients are asked for a certificate.
   * @default false
   * @swoole `ssl_verify_peer`
   */
  readonly requestCert?: boolean;
  /**
   * Whether clients without a good one are refused, where one is asked for.
   * @default true
   * @swoole `ssl_verify_peer`
   */
  readonly rejectUnauthorized?: boolean;
  /**
   * The oldest version that is spoken; nothing before TLS 1.2 is.
   * @default 'TLSv1.2'
   * @swoole `ssl_method`, `ssl_protocols`
   */
  readonly minVersion?: TlsVersion;
  /**
   * The newest version that is spoken.
   * @default 'TLSv1.3'
   * @swoole `ssl_method`, `ssl_protocols`
   */
  readonly maxVersion?: TlsVersion;
  /**
   * As OpenSSL names them, with `:` in between.
   * @default Node's
   * @swoole `ssl_ciphers`
   */
  readonly ciphers?: string;
  /**
   * Whether the server's order of ciphers counts.
   * @default true
   * @swoole `ssl_prefer_server_ciphers`
   */
  readonly honorCipherOrder?: boolean;
  /**
   * Curves, as OpenSSL names them, with `:` in between.
   * @default Node's
   * @swoole `ssl_ecdh_curve`
   */
  readonly ecdhCurve?: string;
  /**
   * Protocols above TLS, the preferred one first. A client that offers others alone is refused.
   * @default any
   */
  readonly alpnProtocols?: readonly string[];
  /**
   * How long a client may take for the handshake.
   * @default 10,000 ms
   */
  readonly handshakeTimeout?: number;
}

export const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** Where PEM comes from: text, or the path of a file. */
export type ResolvedPem = { readonly text: string } | { readonly path: string };
