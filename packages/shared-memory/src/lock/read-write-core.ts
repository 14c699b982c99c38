import { syscalls } from '@millrace/native/syscalls';
import { OwnerRegistry } from '../owner/registry.js';
import { BUSY, GRANTED, type Grant, type LockAttempt, OWNER_DIED } from '../wait/lock-attempt.js';
import {
  ABANDONED,
  CONTENDED,
  DRAIN_WORD,
  ENTERED_WORD,
  HIGHEST_WORD,
  MARK_COUNT,
  MARK_WORDS,
  MARKS_WORD,
  TOKEN_MASK,
  WRITER_WORD,
} from './layout.js';
import { markContended } from './lock.js';

const ALL_WAITERS = 2 ** 31 - 1;

/** The algorithm of ReadWriteLock over its words. */
export class ReadWriteCore {
  readonly reader: LockAttempt;
  readonly writer: LockAttempt;
  readonly #words: Int32Array;
  readonly #owners: OwnerRegistry;
  #token = 0;
  /** This thread's mark, in words. */
  #mark = MARKS_WORD;
  /** WRITER is this object's, which waits for the readers to leave. */
  #pending = false;

  constructor(words: Int32Array, owners: OwnerRegistry) {
    this.#words = words;
    this.#owners = owners;
    this.reader = {
      words,
      sleepWord: WRITER_WORD,
      try: () => this.attemptRead(),
      recover: () => this.#recoverRead(),
      prepare: () => markContended(words, WRITER_WORD),
      giveUp: () => {},
    };
    let sleepWord = WRITER_WORD;
    this.writer = {
      words,
      get sleepWord() {
        return sleepWord;
      },
      try: (slept) => this.#attemptWrite(slept),
      recover: (slept) => this.#recoverWrite(slept),
      prepare: () => {
        sleepWord = this.#pending ? DRAIN_WORD : WRITER_WORD;
        return this.#pending ? Atomics.load(words, DRAIN_WORD) : markContended(words, WRITER_WORD);
      },
      giveUp: () => this.#giveUpWrite(),
    };
  }

  /** Sets the token of this thread; first of all calls. */
  enter(token: number): void {
    this.#token = token;
    this.#mark = MARKS_WORD + OwnerRegistry.slotOf(token) * MARK_WORDS;
  }

  /** A writer of this thread waits for readers to leave. */
  get pending(): boolean {
    return this.#pending;
  }

  /** This thread writes, or waits for readers to leave. */
  get writerIsOwn(): boolean {
    return (Atomics.load(this.#words, WRITER_WORD) & TOKEN_MASK) === this.#token;
  }

  /** How often this thread reads. */
  get ownReads(): number {
    return this.#words[this.#mark] === this.#token ? (this.#words[this.#mark + MARK_COUNT] as number) : 0;
  }

  attemptRead(): Grant {
    const words = this.#words;
    const mark = this.#mark;
    if (words[mark] === this.#token) {
      // This thread reads already; a writer waits for it anyway.
      words[mark + MARK_COUNT] = (words[mark + MARK_COUNT] as number) + 1;
      return GRANTED;
    }
    if (Atomics.load(words, WRITER_WORD) !== 0) return BUSY;
    if (mark >= (words[HIGHEST_WORD] as number)) this.#raiseHighest(mark + MARK_WORDS);
    words[mark + MARK_COUNT] = 1;
    // Pairs with the compare-and-swap of a writer and its look at the marks: either it sees this mark, or the load
    // below sees it.
    Atomics.store(words, mark, this.#token);
    if (Atomics.load(words, WRITER_WORD) === 0) return GRANTED;
    this.leave(1);
    return BUSY;
  }

  /** Ends so many reads of this thread. */
  leave(reads: number): void {
    const words = this.#words;
    const mark = this.#mark;
    const left = (words[mark + MARK_COUNT] as number) - reads;
    words[mark + MARK_COUNT] = left;
    if (left > 0) return;
    // Pairs with the writer's look at the marks, after its load of DRAIN: it sees no mark, or DRAIN moves under it.
    Atomics.store(words, mark, 0);
    if (Atomics.load(words, WRITER_WORD) === 0) return;
    Atomics.add(words, DRAIN_WORD, 1);
    syscalls.futexWake(words, DRAIN_WORD * Int32Array.BYTES_PER_ELEMENT, ALL_WAITERS);
  }

  /** Ends the writing of this thread: finished, or left as a dead writer leaves it. */
  endWrite(finished: boolean): void {
    if (!finished) return this.#freeWriter(ABANDONED);
    // In this order: a death in between is that of a writer that had finished.
    Atomics.store(this.#words, ENTERED_WORD, 0);
    this.#freeWriter(0);
  }

  /** Takes the lock over from a dead writer, if only to read. */
  #recoverRead(): Grant {
    const words = this.#words;
    const seen = Atomics.load(words, WRITER_WORD);
    if (seen === 0 || this.#owners.isAlive(seen & TOKEN_MASK)) return this.attemptRead();
    if (Atomics.compareExchange(words, WRITER_WORD, seen, this.#token | CONTENDED) !== seen) return BUSY;
    const ownerDied = Atomics.load(words, ENTERED_WORD) !== 0;
    if (this.ownReads === 0) {
      this.#raiseHighest(this.#mark + MARK_WORDS);
      words[this.#mark + MARK_COUNT] = 0;
      Atomics.store(words, this.#mark, this.#token);
    }
    words[this.#mark + MARK_COUNT] = (words[this.#mark + MARK_COUNT] as number) + 1;
    // The mark stands, so no writer enters when this one goes. In this order, as in endWrite.
    Atomics.store(words, ENTERED_WORD, 0);
    this.#freeWriter(0);
    return ownerDied ? OWNER_DIED : GRANTED;
  }

  /** Writers look at the marks below HIGHEST, in words: no thread has read at those beyond. */
  #raiseHighest(end: number): void {
    for (;;) {
      const seen = Atomics.load(this.#words, HIGHEST_WORD);
      // Pairs with the load in #enterAlone, as the store of the mark does.
      if (seen >= end || Atomics.compareExchange(this.#words, HIGHEST_WORD, seen, end) === seen) return;
    }
  }

  #attemptWrite(slept: boolean): Grant {
    const words = this.#words;
    if (!this.#pending) {
      if (Atomics.load(words, WRITER_WORD) !== 0) return BUSY;
      const mine = slept ? this.#token | CONTENDED : this.#token;
      if (Atomics.compareExchange(words, WRITER_WORD, 0, mine) !== 0) return BUSY;
      this.#pending = true;
    }
    return this.#enterAlone();
  }

  #recoverWrite(slept: boolean): Grant {
    const words = this.#words;
    const granted = this.#attemptWrite(slept);
    if (granted !== BUSY) return granted;
    if (!this.#pending) {
      const seen = Atomics.load(words, WRITER_WORD);
      if (seen === 0 || this.#owners.isAlive(seen & TOKEN_MASK)) return BUSY;
      if (Atomics.compareExchange(words, WRITER_WORD, seen, this.#token | CONTENDED) !== seen) return BUSY;
      this.#pending = true;
    }
    for (let mark = MARKS_WORD; mark < Atomics.load(words, HIGHEST_WORD); mark += MARK_WORDS) {
      const reader = Atomics.load(words, mark);
      if (reader === 0 || this.#owners.isAlive(reader)) continue;
      // Not if another thread has got the slot, and reads, since.
      Atomics.compareExchange(words, mark, reader, 0);
    }
    return this.#enterAlone();
  }

  /** Enters when no reader is left. What a dead writer has left in ENTERED stays until a writer unlocks. */
  #enterAlone(): Grant {
    const words = this.#words;
    const end = Atomics.load(words, HIGHEST_WORD);
    for (let mark = MARKS_WORD; mark < end; mark += MARK_WORDS) {
      if (Atomics.load(words, mark) !== 0) return BUSY;
    }
    this.#pending = false;
    return Atomics.exchange(words, ENTERED_WORD, this.#token) === 0 ? GRANTED : OWNER_DIED;
  }

  #giveUpWrite(): void {
    if (!this.#pending) return;
    this.#pending = false;
    // The next owner is told of the dead writer.
    this.#freeWriter(Atomics.load(this.#words, ENTERED_WORD) === 0 ? 0 : ABANDONED);
  }

  #freeWriter(left: number): void {
    // Pairs with markContended: it finds another value, or this finds its mark.
    const seen = Atomics.exchange(this.#words, WRITER_WORD, left);
    if ((seen & CONTENDED) !== 0)
      syscalls.futexWake(this.#words, WRITER_WORD * Int32Array.BYTES_PER_ELEMENT, ALL_WAITERS);
  }
}
