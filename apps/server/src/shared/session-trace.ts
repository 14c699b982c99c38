import type { SessionId, Unchecked } from '../contract/ids.js';
import * as layout from './trace-layout.js';

const { ACTIVE_WORD, RECORD_WORDS, WATCHES } = layout;
/** What a watch is on for at most without being renewed: more in UNTIL was written by no admin process. */
export const WATCH_MS = 10_000;

/** Microseconds of the machine's monotonic clock, which is the same in every process. */
export function monotonicMicros(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1e6 + nanos / 1e3;
}

/** Where one process, or one reactor, notes what it does with the messages of sessions that are traced; see trace-layout.ts. */
export class SessionTrace {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #who: number;
  readonly #record = new Int32Array(RECORD_WORDS);
  readonly #recordDoubles = new Float64Array(this.#record.buffer);

  /** `who`: a peer, or by `reactorIn` a reactor. */
  constructor(memory: ArrayBuffer, who: number) {
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory);
    this.#who = who;
  }

  /** Whether some session is traced. */
  get isOn(): boolean {
    // Of no order with anything: what is switched on is noticed a moment later. An atomic load would be a fence for the compiler at each message.
    return this.#words[ACTIVE_WORD] !== 0;
  }

  /** Notes a step of a message of `session`, where that is traced. While nothing is, this is one load. */
  note(
    session: Unchecked<SessionId>,
    step: number,
    kind: number,
    bytes: number,
    aux: number,
    detail: number,
  ): void {
    if (this.#words[ACTIVE_WORD] !== 0) this.#noteIn(session, step, kind, bytes, aux, detail);
  }

  #noteIn(session: number, step: number, kind: number, bytes: number, aux: number, detail: number): void {
    // Pairs with the addition to ACTIVE in TraceWatches: the session of a watch is there before its bit.
    const active = Atomics.load(this.#words, ACTIVE_WORD);
    for (let watch = 0; watch < WATCHES; watch++) {
      if ((active & (1 << watch)) === 0 || this.#doubles[layout.sessionDouble(watch)] !== session) continue;
      return this.#write(watch, session, step, kind, bytes, aux, detail);
    }
  }

  #write(
    watch: number,
    session: number,
    step: number,
    kind: number,
    bytes: number,
    aux: number,
    detail: number,
  ): void {
    const record = this.#record;
    record[layout.STEP_WORD] = step;
    record[layout.WHO_WORD] = this.#who;
    record[layout.PID_WORD] = process.pid;
    record[layout.KIND_WORD] = kind;
    record[layout.BYTES_WORD] = bytes;
    record[layout.AUX_WORD] = aux;
    record[layout.DETAIL_WORD] = detail;
    this.#recordDoubles[layout.TIME_DOUBLE] = monotonicMicros();
    this.#recordDoubles[layout.SESSION_DOUBLE] = session;
    const words = this.#words;
    // Before what it tells of is given on: the ticket of the next step of that message, in another process, is a later one.
    const ticket = Atomics.add(words, layout.nextWord(watch), 1);
    const at = layout.recordWord(watch, ticket);
    Atomics.store(words, at + layout.SEQ_WORD, 0);
    words[at + layout.CHECK_WORD] = layout.checkOf(ticket, record);
    for (let word = layout.CHECK_WORD + 1; word < RECORD_WORDS; word++)
      words[at + word] = record[word] as number;
    // Pairs with the two loads of SEQ in TraceCursor.#take.
    Atomics.store(words, at + layout.SEQ_WORD, (ticket + 1) | 0);
  }

  /** Switches off what no admin process renews; `now` is a time of the machine's monotonic clock in milliseconds. */
  expire(now: number): void {
    const active = this.#words[ACTIVE_WORD] as number;
    if (active === 0) return;
    let over = active & -(1 << WATCHES);
    for (let watch = 0; watch < WATCHES; watch++) {
      const until = this.#doubles[layout.untilDouble(watch)] as number;
      if (!(until >= now && until <= now + WATCH_MS)) over |= 1 << watch;
    }
    // The admin process may renew one at this moment: it sets the bit again at the next second.
    if ((active & over) !== 0) Atomics.and(this.#words, ACTIVE_WORD, ~over);
  }
}
