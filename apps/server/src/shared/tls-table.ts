import { capacityFor } from './connection-layout.js';
import { CELL_BYTES, CELL_WORDS, LENGTH_WORD, SEQ_WORD, TEXT_AT, TEXT_BYTES } from './tls-layout.js';

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

export interface PeerCertificate {
  /** A line for each attribute, as in node:crypto's `X509Certificate`; undefined where that is too long to be kept. */
  readonly subject?: string;
  /** SHA-256 of the certificate, in hexadecimal with colons. */
  readonly fingerprint256: string;
  readonly serialNumber: string;
  /** Until when it holds. */
  readonly validTo: string;
}

/** The table of TLS details: any process reads it, reactor threads write. */
export class TlsTable {
  readonly #capacity: number;
  readonly #words: Int32Array;
  readonly #scratch = new Int32Array(CELL_WORDS);
  readonly #session = new Float64Array(this.#scratch.buffer, 0, 1);
  readonly #bytes = Buffer.from(this.#scratch.buffer);

  constructor(memory: ArrayBuffer, maxConnections: number) {
    this.#capacity = capacityFor(maxConnections);
    this.#words = new Int32Array(memory, 0, this.#capacity * CELL_WORDS);
  }

  static bytes(maxConnections: number): number {
    return capacityFor(maxConnections) * CELL_BYTES;
  }

  write(session: number, info: TlsInfo): void {
    const words = this.#words;
    const at = (session % this.#capacity) * CELL_WORDS;
    const text = fitting(info);
    this.#session[0] = session;
    text.copy(this.#bytes, TEXT_AT);
    // Odd: readers keep off. Pairs with the loads in `read`.
    const seq = Atomics.add(words, at + SEQ_WORD, 1) + 2;
    this.#scratch[SEQ_WORD] = seq - 1;
    this.#scratch[LENGTH_WORD] = text.length;
    const used = Math.ceil((TEXT_AT + text.length) / 4);
    for (let i = 0; i < used; i++) Atomics.store(words, at + i, this.#scratch[i] as number);
    Atomics.store(words, at + SEQ_WORD, seq);
  }

  /** Undefined when nothing is known of `session`, or not any more. */
  read(session: number): TlsInfo | undefined {
    const words = this.#words;
    const at = (session % this.#capacity) * CELL_WORDS;
    for (;;) {
      // Pairs with the stores in `write`: even and unchanged means that none of it fell in between.
      const before = Atomics.load(words, at + SEQ_WORD);
      if (before % 2 !== 0) continue;
      for (let i = 0; i < CELL_WORDS; i++) this.#scratch[i] = Atomics.load(words, at + i);
      if (Atomics.load(words, at + SEQ_WORD) === before) break;
    }
    if (this.#session[0] !== session) return undefined;
    return JSON.parse(
      this.#bytes.toString('utf8', TEXT_AT, TEXT_AT + (this.#scratch[LENGTH_WORD] as number)),
    );
  }
}

/** As JSON that has room. What is too long is left out and never cut: half a name could be somebody else's. */
function fitting(info: TlsInfo): Buffer {
  const { servername, alpnProtocol, peerCertificate, ...rest } = info;
  const { subject, ...certificate } = peerCertificate ?? {};
  const unnamed = { ...rest, ...(peerCertificate && { peerCertificate: certificate }) };
  const candidates = [info, { ...unnamed, servername, alpnProtocol }, { ...unnamed, alpnProtocol }, unnamed];
  const texts = candidates.map((each) => Buffer.from(JSON.stringify(each)));
  return texts.find(({ length }) => length <= TEXT_BYTES) as Buffer;
}
