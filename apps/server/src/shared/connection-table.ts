import * as layout from './connection-layout.js';

/** What the table tells of one session. */
export interface ConnectionRecord {
  state: number;
  port: number;
  reactor: number;
  worker: number;
  uid: number;
  flags: number;
  reason: number;
  remotePort: number;
  /** See `TlsTable`; 0: the client did not come by TLS. */
  tlsCell: number;
  session: number;
  connectTime: number;
  host: string;
}

/** The table of connections: any process reads it, without asking anyone. */
export class ConnectionTable {
  readonly capacity: number;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly #scratch = new ScratchRecord();

  /** `parts`: in base mode, how many workers there are; each has slots for so many connections. */
  constructor(memory: ArrayBuffer, maxConnections: number, parts = 1) {
    this.capacity = layout.capacityFor(maxConnections) * parts;
    this.words = new Int32Array(memory, 0, this.capacity * layout.SLOT_WORDS);
    this.doubles = new Float64Array(memory, 0, this.words.length / 2);
  }

  static bytes(maxConnections: number, parts = 1): number {
    return layout.capacityFor(maxConnections) * parts * layout.SLOT_BYTES;
  }

  /** The first word of the slot that `session` has or would have. */
  slot(session: number): number {
    return (session % this.capacity) * layout.SLOT_WORDS;
  }

  /** The slot of a session that is open, or -1. Two loads; another session may take the slot right after. */
  open(session: number): number {
    if (!Number.isSafeInteger(session) || session < 1) return -1;
    const slot = this.slot(session);
    if (Atomics.load(this.words, slot + layout.STATE_WORD) !== layout.OPEN) return -1;
    return Atomics.load(this.words, slot + layout.SESSION_LOW_WORD) === (session | 0) ? slot : -1;
  }

  /** Bytes for the client that the kernel has not taken, as far as the reactor thread has got them. */
  queued(slot: number): number {
    return Atomics.load(this.words, slot + layout.QUEUED_WORD);
  }

  /** Bytes that the reactor thread has got for the session, from anybody, modulo 2^32. */
  taken(slot: number): number {
    return Atomics.load(this.words, slot + layout.TAKEN_WORD);
  }

  /** What the table tells of `session`, which may be closed; undefined when it tells of another by now, or never did. */
  read(session: number): ConnectionRecord | undefined {
    if (!Number.isSafeInteger(session) || session < 1) return undefined;
    const record = this.#readSlot(this.slot(session));
    return record && record.state !== layout.FREE && record.session === session ? record : undefined;
  }

  /** When something last came from the client, went to it, and went to a worker: milliseconds since 1970. */
  times(session: number): { received: number; sent: number; dispatched: number } {
    const at = this.slot(session) / 2;
    return {
      received: this.doubles[at + layout.RECEIVED_AT_DOUBLE] as number,
      sent: this.doubles[at + layout.SENT_AT_DOUBLE] as number,
      dispatched: this.doubles[at + layout.DISPATCHED_AT_DOUBLE] as number,
    };
  }

  /** The open sessions above `after`, lowest first; of one listener, where that is named. */
  list(after: number, port?: number): number[] {
    const found: number[] = [];
    const { words, doubles } = this;
    for (let slot = 0; slot < words.length; slot += layout.SLOT_WORDS) {
      if (Atomics.load(words, slot + layout.STATE_WORD) !== layout.OPEN) continue;
      if (port !== undefined && words[slot + layout.PORT_WORD] !== port) continue;
      const session = doubles[slot / 2 + layout.SESSION_DOUBLE] as number;
      if (session > after) found.push(session);
    }
    return found.sort((a, b) => a - b);
  }

  /** Undefined where the writer has died in the middle of the record, and nobody has mended that yet. */
  #readSlot(slot: number): ConnectionRecord | undefined {
    const { words } = this;
    let until = 0;
    for (let tries = 1; ; tries++) {
      // Pairs with the exchanges in ConnectionSlot.#write: even and unchanged means that no write fell in between.
      const before = Atomics.load(words, slot + layout.SEQ_WORD);
      if (before % 2 === 0) {
        for (let i = 0; i < layout.RECORD_WORDS; i++) this.#scratch.words[i] = Atomics.load(words, slot + i);
        if (Atomics.load(words, slot + layout.SEQ_WORD) === before) return this.#scratch.decode();
      }
      if (tries % TRIES === 0) {
        const now = performance.now();
        if (until === 0) until = now + TORN_AFTER_MS;
        else if (now > until) return undefined;
      }
    }
  }
}

/** Tries to read a record before the clock is looked at. */
const TRIES = 1_000;
/** Milliseconds after which a record that is still being written has lost its writer, or is not to be had. */
const TORN_AFTER_MS = 50;

/** A record in memory of this thread's own. */
class ScratchRecord {
  readonly words = new Int32Array(layout.RECORD_WORDS);
  readonly #doubles = new Float64Array(this.words.buffer);
  readonly #bytes = Buffer.from(this.words.buffer);

  encode(record: ConnectionRecord): void {
    const { words } = this;
    words.fill(0);
    words[layout.STATE_WORD] = record.state;
    words[layout.PORT_WORD] = record.port;
    words[layout.REACTOR_WORD] = record.reactor;
    words[layout.WORKER_WORD] = record.worker;
    words[layout.UID_WORD] = record.uid;
    words[layout.FLAGS_WORD] = record.flags;
    words[layout.REASON_WORD] = record.reason;
    words[layout.REMOTE_PORT_WORD] = record.remotePort;
    words[layout.TLS_CELL_WORD] = record.tlsCell;
    this.#doubles[layout.SESSION_DOUBLE] = record.session;
    this.#doubles[layout.CONNECT_TIME_DOUBLE] = record.connectTime;
    words[layout.SESSION_LOW_WORD] = record.session | 0;
    words[layout.HOST_LENGTH_WORD] = this.#bytes.write(record.host, layout.HOST_AT, layout.HOST_BYTES);
  }

  decode(): ConnectionRecord {
    const { words } = this;
    const word = (index: number) => words[index] as number;
    return {
      state: word(layout.STATE_WORD),
      port: word(layout.PORT_WORD),
      reactor: word(layout.REACTOR_WORD),
      worker: word(layout.WORKER_WORD),
      uid: word(layout.UID_WORD),
      flags: word(layout.FLAGS_WORD),
      reason: word(layout.REASON_WORD),
      remotePort: word(layout.REMOTE_PORT_WORD),
      tlsCell: word(layout.TLS_CELL_WORD),
      session: this.#doubles[layout.SESSION_DOUBLE] as number,
      connectTime: this.#doubles[layout.CONNECT_TIME_DOUBLE] as number,
      host: this.#bytes.toString('utf8', layout.HOST_AT, layout.HOST_AT + word(layout.HOST_LENGTH_WORD)),
    };
  }
}

const scratch = new ScratchRecord();

/** The reactor thread's side of one slot: its only writer. */
export class ConnectionSlot {
  readonly record: ConnectionRecord;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #slot: number;
  #taken = 0;
  #queued = 0;
  #receivedAt = 0;
  #sentAt = 0;
  #dispatchedAt = 0;

  constructor(table: ConnectionTable, record: ConnectionRecord) {
    this.record = record;
    this.#words = table.words;
    this.#doubles = table.doubles;
    this.#slot = table.slot(record.session);
    Atomics.store(this.#words, this.#slot + layout.TAKEN_WORD, 0);
    Atomics.store(this.#words, this.#slot + layout.QUEUED_WORD, 0);
    this.received(record.connectTime);
    this.sent(record.connectTime);
    this.#double(layout.DISPATCHED_AT_DOUBLE, 0);
    this.#write();
  }

  get receivedAt(): number {
    return this.#receivedAt;
  }

  get sentAt(): number {
    return this.#sentAt;
  }

  /** Publishes a change of what a record can change in. */
  change(change: Partial<Pick<ConnectionRecord, 'state' | 'uid' | 'flags' | 'reason'>>): void {
    const { record } = this;
    Object.assign(record, change);
    this.#begin();
    this.#word(layout.STATE_WORD, record.state);
    this.#word(layout.UID_WORD, record.uid);
    this.#word(layout.FLAGS_WORD, record.flags);
    this.#word(layout.REASON_WORD, record.reason);
    this.#end();
  }

  flag(flag: number, on: boolean): void {
    const { flags } = this.record;
    this.change({ flags: on ? flags | flag : flags & ~flag });
  }

  /** `bytes` more have come for the client, and `queued` wait by now. */
  took(bytes: number, queued: number): void {
    this.queued(queued);
    this.#taken = (this.#taken + bytes) | 0;
    // After QUEUED: whoever finds the new TAKEN finds the bytes in QUEUED; pairs with the loads in Window.pending.
    Atomics.store(this.#words, this.#slot + layout.TAKEN_WORD, this.#taken);
  }

  queued(bytes: number): void {
    if (bytes === this.#queued) return;
    this.#queued = bytes;
    Atomics.store(this.#words, this.#slot + layout.QUEUED_WORD, Math.min(bytes, 2 ** 31 - 1));
  }

  // Times stay the same for many messages, and a store takes the line from the worker that reads TAKEN in it.

  received(now: number): void {
    if (now === this.#receivedAt) return;
    this.#receivedAt = now;
    this.#double(layout.RECEIVED_AT_DOUBLE, now);
  }

  sent(now: number): void {
    if (now === this.#sentAt) return;
    this.#sentAt = now;
    this.#double(layout.SENT_AT_DOUBLE, now);
  }

  dispatched(now: number): void {
    if (now === this.#dispatchedAt) return;
    this.#dispatchedAt = now;
    this.#double(layout.DISPATCHED_AT_DOUBLE, now);
  }

  #double(at: number, value: number): void {
    this.#doubles[this.#slot / 2 + at] = value;
  }

  #write(): void {
    scratch.encode(this.record);
    this.#begin();
    for (let i = 0; i < layout.RECORD_WORDS; i++) this.#word(i, scratch.words[i] as number);
    this.#end();
  }

  #begin(): void {
    // Odd: readers keep off. Pairs with the loads in ConnectionTable.#readSlot.
    Atomics.add(this.#words, this.#slot + layout.SEQ_WORD, 1);
  }

  #end(): void {
    Atomics.add(this.#words, this.#slot + layout.SEQ_WORD, 1);
  }

  #word(index: number, value: number): void {
    Atomics.store(this.#words, this.#slot + index, value);
  }
}
