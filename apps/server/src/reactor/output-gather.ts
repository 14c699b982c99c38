import { WordCopier } from '@millrace/channel/internal';
import { syscalls } from '@millrace/native/syscalls';
import { GATHER_BYTES, GATHER_LIMIT } from '../constants.js';

/** Where gathered output goes. */
export interface Sink {
  write(bytes: Uint8Array, start: number, end: number, now: number): void;
  /** By which output may be sent for it, past `write`; -1: only that can. */
  readonly writableFd: number;
  /** Instead of `write`: that was sent by `writableFd`, and `result` is what `send` has returned. */
  wrote(bytes: Uint8Array, start: number, end: number, now: number, result: number): void;
}

/** Milliseconds for which an answer is held: in base mode the handlers of other clients run meanwhile. */
const HOLD_MS = 0.25;
/** Of so many changes of the sink one looks at the clock; */
const LOOK_EVERY = 4;
/** the first of them at the second one, so that of slow handlers an answer waits for one. */
const FIRST_LOOK = 2;
/** Pieces that are sent by one call. */
const BATCH = 64;
/** Numbers of `sendEach` for one piece: the descriptor, where it begins, its length, the result. */
const FIELDS = 4;
const FIRST_DESCRIPTORS = 1_024;

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
  /** What each piece of the memory is for, and where it ends. Those before `#first` are done with. */
  readonly #sinks: (To | undefined)[] = [];
  readonly #ends: number[] = [];
  #first = 0;
  #count = 0;
  #used = 0;
  #sink: To | undefined;
  #since = 0;
  readonly #batch = new Int32Array(BATCH * FIELDS);
  readonly #batchBytes = new Uint8Array(this.#batch.buffer);
  /** The pieces of the latest batch: whose results are there, or -1 in place of the descriptor. */
  #batchStart = 0;
  #batchEnd = 0;
  /** By descriptor, in which batch it was last. */
  #batchOf = new Int32Array(FIRST_DESCRIPTORS);
  #batches = 0;

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
      while (this.#first < this.#count) {
        if (this.#first >= this.#batchEnd) this.#sendBatch();
        while (this.#first < this.#batchEnd) this.#settle(this.#first++);
      }
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

  /** Of what is for one client in several pieces, only the first goes in the batch: the next must not pass what the kernel has left of it. */
  #sendBatch(): void {
    const batch = this.#batch;
    this.#batchStart = this.#first;
    this.#batchEnd = Math.min(this.#count, this.#first + BATCH);
    this.#batches = (this.#batches + 1) | 0;
    for (let piece = this.#batchStart, at = 0; piece < this.#batchEnd; piece++, at += FIELDS) {
      const fd = (this.#sinks[piece] as To).writableFd;
      const start = this.#startOf(piece);
      batch[at] = this.#isFirst(fd) ? fd : -1;
      batch[at + 1] = start;
      batch[at + 2] = (this.#ends[piece] as number) - start;
    }
    syscalls.sendEach(this.#batchBytes, this.#batchEnd - this.#batchStart, this.#memory);
  }

  /** Whether `fd` is not in the batch yet; it is from now on. */
  #isFirst(fd: number): boolean {
    if (fd < 0) return false;
    if (fd >= this.#batchOf.length) {
      const larger = new Int32Array(2 ** Math.ceil(Math.log2(fd + 1)));
      larger.set(this.#batchOf);
      this.#batchOf = larger;
    }
    if (this.#batchOf[fd] === this.#batches) return false;
    this.#batchOf[fd] = this.#batches;
    return true;
  }

  #settle(piece: number): void {
    const at = (piece - this.#batchStart) * FIELDS;
    const sink = this.#sinks[piece] as To;
    const start = this.#startOf(piece);
    const end = this.#ends[piece] as number;
    if ((this.#batch[at] as number) < 0) sink.write(this.#memory, start, end, this.#now());
    else sink.wrote(this.#memory, start, end, this.#now(), this.#batch[at + 3] as number);
    this.#written(sink, end - start);
  }

  #startOf(piece: number): number {
    return piece === 0 ? 0 : (this.#ends[piece - 1] as number);
  }

  #clear(): void {
    // A client that has gone is not kept. `fill` would leave compiled code for it, in each turn.
    for (let piece = 0; piece < this.#count; piece++) this.#sinks[piece] = undefined;
    this.#first = this.#count = this.#used = 0;
    this.#batchStart = this.#batchEnd = 0;
    this.#sink = undefined;
  }
}
