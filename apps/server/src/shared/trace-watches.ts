import { monotonicNow } from '../process/heartbeat.js';
import { WATCH_MS } from './session-trace.js';
import * as layout from './trace-layout.js';

const { ACTIVE_WORD, RECORD_WORDS, RECORDS, WATCHES } = layout;
const RENEW_MS = 1_000;
/** How often a reader looks at a record that is not whole, until it takes its writer for dead. */
const PATIENCE = 10;

/** A step of a message, as some process has noted it: any of them may have written anything there. */
export interface TraceRecord {
  readonly step: number;
  readonly who: number;
  readonly pid: number;
  readonly kind: number;
  readonly bytes: number;
  readonly aux: number;
  /** Microseconds of the machine's monotonic clock. */
  readonly time: number;
  readonly detail: number;
}

interface Watch {
  readonly session: number;
  /** Who reads it. */
  cursors: number;
}

/**
 * Which sessions are traced, at most {@link WATCHES} of them, as the admin process has it: no other one switches a watch on. What it
 * says of them is written each second anew, over whatever another process may have written there.
 */
export class TraceWatches {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #watches: (Watch | undefined)[] = Array.from({ length: WATCHES }, () => undefined);
  #renewing: NodeJS.Timeout | undefined;

  /** What the admin process before has left on is switched off. */
  constructor(memory: ArrayBuffer) {
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory);
    Atomics.store(this.#words, ACTIVE_WORD, 0);
  }

  /** Has a session traced from here on, until the cursor is closed; undefined: as many as can be are. */
  open(session: number): TraceCursor | undefined {
    let at = this.#watches.findIndex((watch) => watch?.session === session);
    if (at < 0) {
      at = this.#watches.indexOf(undefined);
      if (at < 0) return undefined;
      this.#watches[at] = { session, cursors: 0 };
    }
    (this.#watches[at] as Watch).cursors++;
    const cursor = new TraceCursor(this.#words, at, session, () => this.#closed(at));
    this.#renew();
    this.#renewing ??= setInterval(() => this.#renew(), RENEW_MS).unref();
    return cursor;
  }

  close(): void {
    clearInterval(this.#renewing);
    this.#renewing = undefined;
    Atomics.store(this.#words, ACTIVE_WORD, 0);
  }

  #closed(at: number): void {
    const watch = this.#watches[at] as Watch;
    if (--watch.cursors > 0) return;
    this.#watches[at] = undefined;
    Atomics.and(this.#words, ACTIVE_WORD, ~(1 << at));
    if (this.#watches.every((one) => one === undefined)) this.close();
  }

  #renew(): void {
    const until = monotonicNow() + WATCH_MS / 2;
    for (const [at, watch] of this.#watches.entries()) {
      if (watch === undefined) continue;
      this.#doubles[layout.sessionDouble(at)] = watch.session;
      this.#doubles[layout.untilDouble(at)] = until;
      // Publishes the two before; pairs with the load of ACTIVE in SessionTrace.#noteIn.
      Atomics.or(this.#words, ACTIVE_WORD, 1 << at);
    }
  }
}

/** Reads what is noted of one session. Nothing that a process may have written makes it wait, or read beyond one round of the ring. */
export class TraceCursor {
  readonly #words: Int32Array;
  readonly #watch: number;
  readonly #session: number;
  readonly #close: () => void;
  readonly #record = new Int32Array(RECORD_WORDS);
  readonly #doubles = new Float64Array(this.#record.buffer);
  #ticket: number;
  /** Looks in a row at which the record of that ticket was not whole. */
  #waited = 0;
  #isOpen = true;

  constructor(words: Int32Array, watch: number, session: number, close: () => void) {
    this.#words = words;
    this.#watch = watch;
    this.#session = session;
    this.#close = close;
    this.#ticket = this.#next();
  }

  /** Up to `most` records, and how many were written over, or left unfinished, before they were read. */
  read(most: number): { readonly records: TraceRecord[]; readonly missed: number } {
    const records: TraceRecord[] = [];
    let missed = 0;
    const next = this.#next();
    const behind = (next - this.#ticket) | 0;
    // Below 0: some process has written over NEXT.
    if (behind < 0 || behind > RECORDS) {
      missed += Math.max(0, behind - RECORDS);
      this.#move((next - RECORDS) | 0);
    }
    while (records.length < most && ((next - this.#ticket) | 0) > 0) {
      const record = this.#take(this.#ticket);
      if (record === undefined) {
        if (this.#isWaitedFor(next)) break;
        missed++;
      } else if (record !== 'other') records.push(record);
      this.#move((this.#ticket + 1) | 0);
    }
    return { records, missed };
  }

  /** Idempotent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#close();
  }

  #next(): number {
    return Atomics.load(this.#words, layout.nextWord(this.#watch));
  }

  /** Its writer may be at it still; one of a round before that has been written over comes no more. */
  #isWaitedFor(next: number): boolean {
    const seq = Atomics.load(this.#words, this.#at(this.#ticket) + layout.SEQ_WORD);
    const isOver = seq !== 0 && ((seq - 1 - this.#ticket) | 0) > 0 && ((next - seq) | 0) >= 0;
    return !isOver && ++this.#waited < PATIENCE;
  }

  #at(ticket: number): number {
    return layout.recordWord(this.#watch, ticket);
  }

  /** Undefined where it is not whole; 'other': of the session that this watch was for before. */
  #take(ticket: number): TraceRecord | 'other' | undefined {
    const at = this.#at(ticket);
    const whole = (ticket + 1) | 0;
    // Pair with the store of SEQ that ends a record: what is the same before and after the copy was whole, and was not written over.
    if (Atomics.load(this.#words, at + layout.SEQ_WORD) !== whole) return undefined;
    const record = this.#record;
    record.set(this.#words.subarray(at, at + RECORD_WORDS));
    if (Atomics.load(this.#words, at + layout.SEQ_WORD) !== whole) return undefined;
    if (record[layout.CHECK_WORD] !== layout.checkOf(ticket, record)) return undefined;
    if (this.#doubles[layout.SESSION_DOUBLE] !== this.#session) return 'other';
    const word = (index: number) => record[index] as number;
    return {
      step: word(layout.STEP_WORD),
      who: word(layout.WHO_WORD),
      pid: word(layout.PID_WORD),
      kind: word(layout.KIND_WORD),
      bytes: word(layout.BYTES_WORD),
      aux: word(layout.AUX_WORD),
      time: this.#doubles[layout.TIME_DOUBLE] as number,
      detail: word(layout.DETAIL_WORD),
    };
  }

  #move(ticket: number): void {
    this.#ticket = ticket;
    this.#waited = 0;
  }
}
