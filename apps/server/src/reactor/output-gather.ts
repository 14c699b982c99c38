import { WordCopier } from '@millrace/channel/internal';
import { GATHER_BYTES, GATHER_LIMIT } from '../constants.js';

/** Where gathered output goes. */
export interface Sink {
  write(bytes: Uint8Array, start: number, end: number, now: number): void;
}

/** Milliseconds for which an answer is held: in base mode the handlers of other clients run meanwhile. */
const HOLD_MS = 0.25;
/** Of so many changes of the sink one looks at the clock; */
const LOOK_EVERY = 4;
/** the first of them at the second one, so that of slow handlers an answer waits for one. */
const FIRST_LOOK = 2;

/**
 * Gathers the small answers of a turn, which are sent together at its end: those to one client in a row are one send, and those to
 * several take the kernel less time one right after the other than between the handlers of messages.
 */
export class OutputGather<To extends Sink> {
  readonly #memory = Buffer.allocUnsafeSlow(GATHER_BYTES);
  readonly #copier = new WordCopier(this.#memory);
  readonly #now: () => number;
  readonly #written: (sink: To, bytes: number) => void;
  readonly #clock: () => number;
  /** What each piece of the memory is for, and where it ends. Those before `#first` are sent. */
  readonly #sinks: (To | undefined)[] = [];
  readonly #ends: number[] = [];
  #first = 0;
  #count = 0;
  #used = 0;
  #sink: To | undefined;
  #since = 0;

  /** `written`: told of each send; `clock`: in milliseconds, for how long something is held. */
  constructor(
    now: () => number,
    written: (sink: To, bytes: number) => void,
    clock: () => number = () => performance.now(),
  ) {
    this.#now = now;
    this.#written = written;
    this.#clock = clock;
  }

  /** True while bytes wait for `flush`. */
  get pending(): boolean {
    return this.#used > 0;
  }

  write(sink: To, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length > GATHER_BYTES - this.#used) this.flush();
    if (length > GATHER_LIMIT) {
      this.flush();
      sink.write(bytes, start, end, this.#now());
      this.#written(sink, length);
      return;
    }
    if (sink !== this.#sink) this.#turnTo(sink);
    this.#copier.copy(bytes, start, end, this.#used);
    this.#used += length;
    this.#ends[this.#count - 1] = this.#used;
  }

  /** Also where one of the sinks throws, all are written to. */
  flush(): void {
    if (this.#used === 0) return;
    // What is written from here on, by what a sending leads to, comes behind.
    this.#sink = undefined;
    try {
      while (this.#first < this.#count) this.#send(this.#first++);
    } finally {
      if (this.#first < this.#count) this.flush();
      else this.#clear();
    }
  }

  #turnTo(sink: To): void {
    if (this.#count === 0) this.#since = this.#clock();
    else if (this.#count % LOOK_EVERY === FIRST_LOOK - 1 && this.#clock() - this.#since > HOLD_MS) {
      this.flush();
      this.#since = this.#clock();
    }
    this.#sinks[this.#count] = sink;
    this.#sink = sink;
    this.#count++;
  }

  #send(piece: number): void {
    const sink = this.#sinks[piece] as To;
    const start = piece === 0 ? 0 : (this.#ends[piece - 1] as number);
    const end = this.#ends[piece] as number;
    sink.write(this.#memory, start, end, this.#now());
    this.#written(sink, end - start);
  }

  #clear(): void {
    // A client that has gone is not kept.
    this.#sinks.fill(undefined, 0, this.#count);
    this.#first = this.#count = this.#used = 0;
    this.#sink = undefined;
  }
}
