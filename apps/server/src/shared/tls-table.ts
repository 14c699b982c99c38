import type { TlsInfo } from '../contract/client-info.js';
import type { ReactorIndex, SessionId, Unchecked } from '../contract/ids.js';
import { capacityFor } from './connection-layout.js';
import * as layout from './tls-layout.js';

/** Tries to read a cell before it tells nothing: its writer needs one moment, and another process may write for ever. */
const TRIES = 1_000;

/**
 * The table of TLS details: any process reads it, reactors write. Every process maps it, so that any of them may have
 * written over anything: a cell that makes no sense tells nothing, and who finds none free checks which are truly taken.
 */
export class TlsTable {
  readonly #capacity: number;
  readonly #owners: Int32Array;
  readonly #words: Int32Array;
  readonly #scratch = new Int32Array(layout.CELL_WORDS);
  readonly #session = new Float64Array(this.#scratch.buffer, 0, 1);
  readonly #bytes = Buffer.from(this.#scratch.buffer);
  /** The cells that this reactor has taken, from 0, with what it has put there as their owner. */
  readonly #mine = new Map<number, number>();
  readonly #reactors: number;
  #last = 0;

  /** `reactors`: how many there may be as owners. */
  constructor(memory: ArrayBuffer, maxConnections: number, reactors = Number.POSITIVE_INFINITY) {
    this.#reactors = reactors;
    this.#capacity = capacityFor(maxConnections);
    this.#owners = new Int32Array(memory, 0, this.#capacity);
    const cells = this.#capacity * layout.OWNER_BYTES;
    this.#words = new Int32Array(memory, cells, this.#capacity * layout.CELL_WORDS);
  }

  static bytes(maxConnections: number): number {
    return capacityFor(maxConnections) * (layout.OWNER_BYTES + layout.CELL_BYTES);
  }

  /**
   * Takes a cell for a session of `reactor` and writes there. Returns the cell's number, from 1; 0 where another process has
   * written over the owners, so that none seems to be free.
   */
  write(reactor: Unchecked<ReactorIndex>, session: Unchecked<SessionId>, info: TlsInfo): number {
    const words = this.#words;
    const cell = this.#take(reactor + 1);
    if (cell < 0) return 0;
    const at = cell * layout.CELL_WORDS;
    const text = fitting(info);
    this.#session[0] = session;
    text.copy(this.#bytes, layout.TEXT_AT);
    // Odd: readers keep off. Pairs with the loads in `read`.
    const odd = Atomics.or(words, at + layout.SEQ_WORD, 1) | 1;
    this.#scratch[layout.SEQ_WORD] = odd;
    this.#scratch[layout.LENGTH_WORD] = text.length;
    const used = Math.ceil((layout.TEXT_AT + text.length) / 4);
    for (let i = 0; i < used; i++) Atomics.store(words, at + i, this.#scratch[i] as number);
    Atomics.store(words, at + layout.SEQ_WORD, (odd + 1) | 0);
    return cell + 1;
  }

  /** Gives back what `write` has returned: the session is closed. */
  release(cell: number): void {
    const owner = this.#mine.get(cell - 1);
    if (owner === undefined) return;
    this.#mine.delete(cell - 1);
    // Pairs with the exchange in #take; where the owner was written over, another may have taken the cell since.
    Atomics.compareExchange(this.#owners, cell - 1, owner, layout.NO_OWNER);
  }

  /** Gives back every cell of a reactor that has died, for it. */
  abandon(reactor: Unchecked<ReactorIndex>): void {
    for (let cell = 0; cell < this.#capacity; cell++) {
      if (Atomics.load(this.#owners, cell) !== reactor + 1) continue;
      const at = cell * layout.CELL_WORDS;
      // It died while it wrote; what is there by now belongs to a session that has never been open.
      if (Atomics.load(this.#words, at + layout.SEQ_WORD) & 1)
        Atomics.add(this.#words, at + layout.SEQ_WORD, 1);
      Atomics.store(this.#owners, cell, layout.NO_OWNER);
    }
  }

  /** What `cell`, by its number from 1, tells of `session`; undefined when that is nothing, or not any more. */
  read(cell: number, session: Unchecked<SessionId>): TlsInfo | undefined {
    if (cell < 1 || cell > this.#capacity) return undefined;
    const words = this.#words;
    const at = (cell - 1) * layout.CELL_WORDS;
    for (let tries = 1; ; tries++) {
      if (tries > TRIES) return undefined;
      // Pairs with the stores in `write`: even and unchanged means that none of it fell in between.
      const before = Atomics.load(words, at + layout.SEQ_WORD);
      if (before & 1) return undefined;
      for (let i = 0; i < layout.CELL_WORDS; i++) this.#scratch[i] = Atomics.load(words, at + i);
      if (Atomics.load(words, at + layout.SEQ_WORD) === before) break;
    }
    if (this.#session[0] !== session) return undefined;
    const length = this.#scratch[layout.LENGTH_WORD] as number;
    if (length < 0 || length > layout.TEXT_BYTES) return undefined;
    return parsed(this.#bytes.toString('utf8', layout.TEXT_AT, layout.TEXT_AT + length));
  }

  /** From 0; -1: none is free, though there are more cells than clients. */
  #take(owner: number): number {
    const cell = this.#takeFree(owner);
    if (cell >= 0) return cell;
    this.#freeUnowned(owner);
    return this.#takeFree(owner);
  }

  #takeFree(owner: number): number {
    for (let looked = 0; looked < this.#capacity; looked++) {
      this.#last = (this.#last + 1) % this.#capacity;
      // What this reactor has is its own, whatever another process has written there.
      if (this.#mine.has(this.#last)) continue;
      // Pairs with the exchange in `release`: the session before has done with it.
      if (Atomics.compareExchange(this.#owners, this.#last, layout.NO_OWNER, owner) !== layout.NO_OWNER)
        continue;
      this.#mine.set(this.#last, owner);
      return this.#last;
    }
    return -1;
  }

  /** Gives back the cells of owners that there are not, and those of this one that it has not taken. */
  #freeUnowned(owner: number): void {
    for (let cell = 0; cell < this.#capacity; cell++) {
      const found = Atomics.load(this.#owners, cell);
      const isOther = found >= 1 && found <= this.#reactors && found !== owner;
      if (isOther || this.#mine.has(cell)) continue;
      Atomics.compareExchange(this.#owners, cell, found, layout.NO_OWNER);
    }
  }
}

/** As JSON that has room. What is too long is left out and never cut: half a name could be another name. */
function fitting(info: TlsInfo): Buffer {
  const { servername, alpnProtocol, peerCertificate, ...rest } = info;
  const { subject, ...certificate } = peerCertificate ?? {};
  const unnamed = { ...rest, ...(peerCertificate && { peerCertificate: certificate }) };
  const fingerprint = peerCertificate && { fingerprint256: peerCertificate.fingerprint256 };
  // Nothing in the last one is the client's to choose: it has room.
  const least = { ...rest, ...(fingerprint && { peerCertificate: fingerprint }) };
  const candidates = [
    info,
    { ...unnamed, servername, alpnProtocol },
    { ...unnamed, alpnProtocol },
    unnamed,
    { ...least, servername, alpnProtocol },
    least,
  ];
  const texts = candidates.map((each) => Buffer.from(JSON.stringify(each)));
  return texts.find(({ length }) => length <= layout.TEXT_BYTES) as Buffer;
}

/** What a cell tells; undefined where its text makes no sense. */
function parsed(text: string): TlsInfo | undefined {
  try {
    const info = JSON.parse(text) as Partial<TlsInfo> | null;
    return typeof info?.protocol === 'string' ? (info as TlsInfo) : undefined;
  } catch {
    // No text of this table's: a process has written over it.
    return undefined;
  }
}
