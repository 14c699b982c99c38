import {
  asReactor,
  asSession,
  asWorker,
  type ListenerIndex,
  type ReactorIndex,
  type SessionId,
  type Unchecked,
  type WorkerId,
} from '../contract/ids.js';
import * as layout from './connection-layout.js';

/** What the table tells of one session. */
export interface ConnectionRecord {
  state: number;
  listener: ListenerIndex;
  reactor: ReactorIndex;
  worker: WorkerId;
  uid: number;
  flags: number;
  reason: number;
  remotePort: number;
  /** See `TlsTable`; 0: the client did not come by TLS. */
  tlsCell: number;
  session: SessionId;
  connectTime: number;
  host: string;
}

/** The table of connections: any process reads it, without asking anyone. */
export class ConnectionTable {
  readonly capacity: number;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** CLOSE_ASKED of each slot. */
  readonly #closeAsked: Int32Array;
  /** PROGRESS of each slot. */
  readonly #progress: Int32Array;
  /** RESUME of each slot. */
  readonly #resume: Int32Array;
  /** LOCAL of each slot. */
  readonly #local: Buffer;
  readonly #scratch = new ScratchRecord();

  /** `parts`: in base mode, how many workers there are; each has slots for so many connections. */
  constructor(memory: ArrayBuffer, maxConnections: number, parts = 1) {
    this.capacity = layout.capacityFor(maxConnections) * parts;
    this.words = new Int32Array(memory, 0, this.capacity * layout.SLOT_WORDS);
    this.doubles = new Float64Array(memory, 0, this.words.length / 2);
    this.#closeAsked = new Int32Array(memory, this.words.byteLength, this.capacity);
    const progressAt = this.words.byteLength + this.#closeAsked.byteLength;
    this.#progress = new Int32Array(memory, progressAt, this.capacity);
    this.#resume = new Int32Array(memory, progressAt + this.#progress.byteLength, this.capacity);
    const localAt = progressAt + this.#progress.byteLength + this.#resume.byteLength;
    this.#local = Buffer.from(memory, localAt, this.capacity * layout.LOCAL_BYTES);
  }

  static bytes(maxConnections: number, parts = 1): number {
    return (
      layout.capacityFor(maxConnections) *
      parts *
      (layout.SLOT_BYTES +
        layout.CLOSE_ASKED_BYTES +
        layout.PROGRESS_BYTES +
        layout.RESUME_BYTES +
        layout.LOCAL_BYTES)
    );
  }

  /** The first word of the slot that `session` has or would have. */
  slot(session: Unchecked<SessionId>): number {
    return (session % this.capacity) * layout.SLOT_WORDS;
  }

  /** The slot of a session that is open, or -1. Two loads; another session may take the slot right after. */
  open(session: Unchecked<SessionId>): number {
    if (!Number.isSafeInteger(session) || session < 1) return -1;
    const slot = this.slot(session);
    if (Atomics.load(this.words, slot + layout.STATE_WORD) !== layout.OPEN) return -1;
    return Atomics.load(this.words, slot + layout.SESSION_LOW_WORD) === (session | 0) ? slot : -1;
  }

  /** Whether the session is being closed, with output that waits for its client. */
  closing(session: Unchecked<SessionId>): boolean {
    if (!Number.isSafeInteger(session) || session < 1) return false;
    const slot = this.slot(session);
    if (Atomics.load(this.words, slot + layout.STATE_WORD) !== layout.CLOSING) return false;
    return Atomics.load(this.words, slot + layout.SESSION_LOW_WORD) === (session | 0);
  }

  /** Notes that a close is asked for; false when it has been before, no less hard. */
  askClose(session: Unchecked<SessionId>, level: number): boolean {
    const at = session % this.capacity;
    for (;;) {
      const before = Atomics.load(this.#closeAsked, at);
      if (layout.closeLevelOf(before, session) >= level) return false;
      // Pairs with the same of other processes: of several that ask at once, one is the first.
      const after = layout.closeAsked(session, level);
      if (Atomics.compareExchange(this.#closeAsked, at, before, after) === before) return true;
    }
  }

  /** The slot of `session` is a new one's: no close has been asked for, no request taken, and nothing kept. */
  forgetAsked(session: Unchecked<SessionId>): void {
    Atomics.store(this.#closeAsked, session % this.capacity, 0);
    Atomics.store(this.#progress, session % this.capacity, 0);
    Atomics.store(this.#resume, session % this.capacity, 0);
  }

  /** How far the worker of `session` is in its requests, see the layout. Another session may have the slot. */
  progress(session: Unchecked<SessionId>): number {
    return Atomics.load(this.#progress, session % this.capacity);
  }

  /** Says that the worker has begun to take a request. Pairs with the load of the reactor thread, once the worker is dead. */
  setProgress(session: Unchecked<SessionId>, word: number): void {
    Atomics.store(this.#progress, session % this.capacity, word);
  }

  /** The cell that keeps what another process needs to go on with `session`; 0: none. Another session may have the slot. */
  resumeCell(session: Unchecked<SessionId>): number {
    return Atomics.load(this.#resume, session % this.capacity);
  }

  /** Says which cell that is. Pairs with the load of the next process, once this one is dead or has let the session go. */
  setResumeCell(session: Unchecked<SessionId>, cell: number): void {
    Atomics.store(this.#resume, session % this.capacity, cell);
  }

  /** Notes the server's own address in a connection; '': that of its listener. */
  setLocal(session: Unchecked<SessionId>, host: string): void {
    const at = (session % this.capacity) * layout.LOCAL_BYTES;
    this.#local[at] = this.#local.write(host, at + 1, layout.LOCAL_BYTES - 1, 'latin1');
  }

  /** The server's own address in a connection that is open; undefined: that of its listener. */
  local(session: Unchecked<SessionId>): string | undefined {
    if (this.open(session) < 0) return undefined;
    const at = (session % this.capacity) * layout.LOCAL_BYTES;
    // A process may have written over it.
    const length = Math.min(this.#local[at] as number, layout.LOCAL_BYTES - 1);
    return length === 0 ? undefined : this.#local.toString('latin1', at + 1, at + 1 + length);
  }

  /** Bytes for the client that the kernel has not taken, as far as the reactor thread has got them. */
  queued(slot: number): number {
    return Atomics.load(this.words, slot + layout.QUEUED_WORD);
  }

  /** Bytes that the reactor thread has got for the session, from all processes, modulo 2^32. */
  taken(slot: number): number {
    return Atomics.load(this.words, slot + layout.TAKEN_WORD);
  }

  /** What the table tells of `session`, which may be closed; undefined when it tells of another by now, or never did. */
  read(session: Unchecked<SessionId>): ConnectionRecord | undefined {
    if (!Number.isSafeInteger(session) || session < 1) return undefined;
    const record = this.#readSlot(this.slot(session));
    return record && record.state !== layout.FREE && record.session === session ? record : undefined;
  }

  /** When something last came from the client, went to it, and went to a worker: milliseconds since 1970. */
  times(session: Unchecked<SessionId>): { received: number; sent: number; dispatched: number } {
    const at = this.slot(session) / 2;
    return {
      received: this.doubles[at + layout.RECEIVED_AT_DOUBLE] as number,
      sent: this.doubles[at + layout.SENT_AT_DOUBLE] as number,
      dispatched: this.doubles[at + layout.DISPATCHED_AT_DOUBLE] as number,
    };
  }

  /** The open sessions above `after`, lowest first; of one listener, where that is named. */
  list(after: number, listener?: Unchecked<ListenerIndex>): number[] {
    const found: number[] = [];
    const { words, doubles } = this;
    for (let slot = 0; slot < words.length; slot += layout.SLOT_WORDS) {
      if (Atomics.load(words, slot + layout.STATE_WORD) !== layout.OPEN) continue;
      if (listener !== undefined && layout.listenerOf(words[slot + layout.ENDS_WORD] as number) !== listener)
        continue;
      const session = doubles[slot / 2 + layout.SESSION_DOUBLE] as number;
      if (session > after) found.push(session);
    }
    return found.sort((a, b) => a - b);
  }

  /** Undefined where the writer has died in the middle of the record, which has not been mended yet. */
  #readSlot(slot: number): ConnectionRecord | undefined {
    const { words } = this;
    let until = 0;
    for (let tries = 1; ; tries++) {
      // Pairs with the additions in ConnectionSlot.#turn: even and unchanged means that no write fell in between.
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
  readonly #doubles = new Float64Array(this.words.buffer, 0, layout.RECORD_WORDS >> 1);
  readonly #bytes = Buffer.from(this.words.buffer);

  encode(record: ConnectionRecord): void {
    const { words } = this;
    words.fill(0);
    words[layout.STATE_WORD] = record.state;
    words[layout.REACTOR_WORD] = record.reactor;
    words[layout.WORKER_WORD] = record.worker;
    words[layout.UID_WORD] = record.uid;
    words[layout.FLAGS_WORD] = record.flags;
    words[layout.REASON_WORD] = record.reason;
    words[layout.TLS_CELL_WORD] = record.tlsCell;
    this.#doubles[layout.SESSION_DOUBLE] = record.session;
    this.#doubles[layout.CONNECT_TIME_DOUBLE] = record.connectTime;
    words[layout.SESSION_LOW_WORD] = record.session | 0;
    const length = this.#bytes.write(record.host, layout.HOST_AT, layout.HOST_BYTES);
    words[layout.ENDS_WORD] = layout.endsOf(record.remotePort, record.listener, length);
  }

  decode(): ConnectionRecord {
    const { words } = this;
    const word = (index: number) => words[index] as number;
    const ends = word(layout.ENDS_WORD);
    return {
      state: word(layout.STATE_WORD),
      listener: layout.listenerOf(ends),
      reactor: asReactor(word(layout.REACTOR_WORD)),
      worker: asWorker(word(layout.WORKER_WORD)),
      uid: word(layout.UID_WORD),
      flags: word(layout.FLAGS_WORD),
      reason: word(layout.REASON_WORD),
      remotePort: layout.remotePortOf(ends),
      tlsCell: word(layout.TLS_CELL_WORD),
      session: asSession(this.#doubles[layout.SESSION_DOUBLE] as number),
      connectTime: this.#doubles[layout.CONNECT_TIME_DOUBLE] as number,
      host: this.#bytes.toString('utf8', layout.HOST_AT, layout.HOST_AT + layout.hostLengthOf(ends)),
    };
  }
}

const scratch = new ScratchRecord();

/**
 * The reactor thread's side of the table: the only writer of its sessions' slots, which therefore reads them without
 * further ado. What it knows of a session is there and nowhere else. It is at one slot at a time; one object for each
 * would be 40 bytes for each connection.
 */
export class ConnectionSlot {
  readonly #table: ConnectionTable;
  /** The first word of the slot that it is at. */
  #slot = 0;

  constructor(table: ConnectionTable) {
    this.#table = table;
  }

  /** Turns to the slot whose first word is at `slot`; until it is turned to another. */
  at(slot: number): this {
    this.#slot = slot;
    return this;
  }

  /** Takes the slot of `record.session`, and turns to it. */
  take(record: ConnectionRecord): this {
    const { words } = this.#table;
    this.#slot = this.#table.slot(record.session);
    this.#table.forgetAsked(record.session);
    Atomics.store(words, this.#slot + layout.TAKEN_WORD, 0);
    Atomics.store(words, this.#slot + layout.QUEUED_WORD, 0);
    this.received(record.connectTime);
    this.sent(record.connectTime);
    this.dispatched(0);
    scratch.encode(record);
    this.#turn();
    for (let i = 0; i < layout.RECORD_WORDS; i++) this.#store(i, scratch.words[i] as number);
    this.#turn();
    return this;
  }

  get state(): number {
    return this.#load(layout.STATE_WORD);
  }

  get flags(): number {
    return this.#load(layout.FLAGS_WORD);
  }

  get uid(): number {
    return this.#load(layout.UID_WORD);
  }

  get peer(): { host: string; port: number } {
    for (let i = 0; i < layout.RECORD_WORDS; i++) scratch.words[i] = this.#load(i);
    const { host, remotePort } = scratch.decode();
    return { host, port: remotePort };
  }

  get receivedAt(): number {
    return this.#time(layout.RECEIVED_AT_DOUBLE);
  }

  get sentAt(): number {
    return this.#time(layout.SENT_AT_DOUBLE);
  }

  /** Publishes a change of what a record can change in. */
  change({
    state = this.state,
    uid = this.uid,
    flags = this.flags,
    reason = this.#load(layout.REASON_WORD),
  }: Partial<Pick<ConnectionRecord, 'state' | 'uid' | 'flags' | 'reason'>>): void {
    this.#turn();
    this.#store(layout.STATE_WORD, state);
    this.#store(layout.UID_WORD, uid);
    this.#store(layout.FLAGS_WORD, flags);
    this.#store(layout.REASON_WORD, reason);
    this.#turn();
  }

  /** Its session has another worker of its own. */
  moveTo(worker: WorkerId): void {
    this.#turn();
    this.#store(layout.WORKER_WORD, worker);
    this.#turn();
  }

  flag(flag: number, on: boolean): void {
    const { flags } = this;
    this.change({ flags: on ? flags | flag : flags & ~flag });
  }

  /** `bytes` more have come for the client, and `queued` wait by now. */
  took(bytes: number, queued: number): void {
    this.queued(queued);
    // After QUEUED: a reader that finds the new TAKEN finds the bytes in QUEUED; pairs with the loads in OutputWindow.pending.
    this.#store(layout.TAKEN_WORD, (this.#load(layout.TAKEN_WORD) + bytes) | 0);
  }

  queued(bytes: number): void {
    const published = Math.min(bytes, 2 ** 31 - 1);
    if (published !== this.#load(layout.QUEUED_WORD)) this.#store(layout.QUEUED_WORD, published);
  }

  // Times stay the same for many messages, and a store takes the line from the worker that reads TAKEN in it.

  received(now: number): void {
    if (now !== this.#time(layout.RECEIVED_AT_DOUBLE)) this.#setTime(layout.RECEIVED_AT_DOUBLE, now);
  }

  sent(now: number): void {
    if (now !== this.#time(layout.SENT_AT_DOUBLE)) this.#setTime(layout.SENT_AT_DOUBLE, now);
  }

  dispatched(now: number): void {
    if (now !== this.#time(layout.DISPATCHED_AT_DOUBLE)) this.#setTime(layout.DISPATCHED_AT_DOUBLE, now);
  }

  /** Adds `by` milliseconds to the times: the clock that they were taken from was set. */
  moveTimes(by: number): void {
    for (const at of [layout.RECEIVED_AT_DOUBLE, layout.SENT_AT_DOUBLE, layout.DISPATCHED_AT_DOUBLE])
      if (this.#time(at) > 0) this.#setTime(at, this.#time(at) + by);
  }

  #time(at: number): number {
    return this.#table.doubles[this.#slot / 2 + at] as number;
  }

  #setTime(at: number, value: number): void {
    this.#table.doubles[this.#slot / 2 + at] = value;
  }

  /** Before a change of the record SEQ becomes odd, and readers keep off; after it even. Pairs with the loads in #readSlot. */
  #turn(): void {
    Atomics.add(this.#table.words, this.#slot + layout.SEQ_WORD, 1);
  }

  #load(index: number): number {
    return this.#table.words[this.#slot + index] as number;
  }

  #store(index: number, value: number): void {
    Atomics.store(this.#table.words, this.#slot + index, value);
  }
}
