import { deadlineAfter } from '@millrace/channel/internal';
import { syscalls } from '@millrace/native/syscalls';
import { OWNER_CHECK_MS } from '../constants.js';
import { SharedMemoryError } from '../errors.js';
import { DEFAULT_SLOTS, MAX_SLOTS } from '../owner/layout.js';
import type { OwnerRegistry } from '../owner/registry.js';
import type { SegmentName } from '../segment/name.js';
import type { SegmentTrust } from '../segment/options.js';
import type { Segment } from '../segment/segment.js';
import {
  objectOffset,
  SharedObject,
  type SharedObjectOptions,
  type SharedObjectShape,
  segmentOfItsOwn,
} from '../segment/shared-object.js';
import {
  type AsyncWaitOptions,
  checkAsync,
  checkBlocking,
  type WaitOptions,
  WordWaits,
} from '../wait/word-waits.js';
import {
  BARRIER_EPOCH_WORD,
  BARRIER_STATE_LONG,
  barrierBytes,
  highOf,
  lowOf,
  PARTIES_WORD,
  packed,
  SEATS_LONG,
} from './layout.js';

const KIND = 'barrier';
const ALL_WAITERS = 2 ** 31 - 1;

/** A seat that a waiter has taken in the epoch in which it came. */
interface Arrival {
  readonly epoch: number;
  readonly seat: number;
}

/**
 * Holds threads of any process until as many wait as it has parties, lets all of them pass, and begins anew: a cyclic
 * barrier, as `pthread_barrier_t`, that survives the death of a party.
 *
 * Notes. A party that dies while it waits counts no more: its replacement takes its seat, and the others wait for that.
 * One that gives up (time-out, signal, close) leaves. Of more waiters than parties, the others are held for the next time.
 * No order is promised in which waiters pass.
 */
export class Barrier extends SharedObject {
  /** How many threads have to wait until all pass. */
  readonly parties: number;
  readonly #owners: OwnerRegistry;
  readonly #words: Int32Array;
  readonly #longs: BigInt64Array;
  readonly #waits: WordWaits;
  /** What waits through this object. */
  readonly #arrivals = new Set<Arrival>();

  /** Bytes that one takes in a segment of the user's. */
  static bytes(parties: number): number {
    checkParties(parties);
    return barrierBytes(parties);
  }

  /**
   * The barrier at `byteOffset` (a multiple of 8) of a segment of the user's that has owners; zeroed memory is one at which
   * no thread waits. Throws `ERR_MILLRACE_BARRIER_PARTIES` when it was first used with another number.
   */
  constructor(segment: Segment, byteOffset: number, parties: number, own = false) {
    checkParties(parties);
    const bytes = barrierBytes(parties);
    const at = objectOffset(segment, byteOffset, bytes);
    super(segment, own);
    this.parties = parties;
    this.#owners = segment.owners;
    this.#words = new Int32Array(segment.buffer, at, bytes / Int32Array.BYTES_PER_ELEMENT);
    this.#longs = new BigInt64Array(segment.buffer, at, bytes / BigInt64Array.BYTES_PER_ELEMENT);
    this.#waits = new WordWaits(this.#words);
    const before = Atomics.compareExchange(this.#words, PARTIES_WORD, 0, parties);
    if (before !== 0 && before !== parties)
      throw partiesError(`${parties} parties`, `this barrier has ${before}`);
  }

  static create(name: SegmentName, parties: number, options: SharedObjectOptions = {}): Barrier {
    return new Barrier(segmentOfItsOwn.create(name, shape(parties), options), 0, parties, true);
  }

  static open(name: SegmentName, trust: SegmentTrust = {}): Barrier {
    return over(segmentOfItsOwn.open(name, { kind: KIND }, trust));
  }

  /** Throws `ERR_MILLRACE_BARRIER_PARTIES` when there is one with another number of parties. */
  static openOrCreate(name: SegmentName, parties: number, options: SharedObjectOptions = {}): Barrier {
    return over(segmentOfItsOwn.openOrCreateOfAnySize(name, shape(parties), options), parties);
  }

  /** Handed on as `segment.descriptor`. */
  static anonymous(parties: number): Barrier {
    return new Barrier(segmentOfItsOwn.anonymous(shape(parties)), 0, parties, true);
  }

  static fromDescriptor(fd: number): Barrier {
    return over(segmentOfItsOwn.fromDescriptor(fd, { kind: KIND }));
  }

  /** How many living threads wait at it now. */
  get waiting(): number {
    return this.#count(this.#epoch());
  }

  /** Waits for the other parties; BLOCKS this thread. False when `timeout` (default Infinity) has passed, and it counts no more. */
  wait(options: WaitOptions = {}): boolean {
    checkBlocking(options);
    const { timeout = Number.POSITIVE_INFINITY } = options;
    const deadline = deadlineAfter(timeout);
    const left = () => Math.max(0, deadline - performance.now());
    for (;;) {
      const epoch = this.#epoch();
      const arrival = this.#arrive(epoch);
      const time = arrival === undefined ? Math.min(left(), OWNER_CHECK_MS) : left();
      const passed = this.#waits.block(epoch, () => this.#hasPassed(epoch), time);
      if (arrival !== undefined) return this.#end(arrival, passed);
      if (left() === 0) return false;
    }
  }

  /**
   * As `wait`, without blocking. Resolves with false when `timeout` (default Infinity) has passed; rejects with the signal's
   * reason, or `ERR_MILLRACE_CLOSED`. Each call counts as a party.
   */
  async waitAsync(options: AsyncWaitOptions = {}): Promise<boolean> {
    checkAsync(options);
    const { timeout = Number.POSITIVE_INFINITY, signal } = options;
    const deadline = deadlineAfter(timeout);
    const left = () => Math.max(0, deadline - performance.now());
    for (;;) {
      signal?.throwIfAborted();
      const epoch = this.#epoch();
      const arrival = this.#arrive(epoch);
      const time = arrival === undefined ? Math.min(left(), OWNER_CHECK_MS) : left();
      let passed: boolean;
      try {
        passed = await this.#waits.wait(epoch, () => this.#hasPassed(epoch), {
          timeout: time,
          ...(signal && { signal }),
        });
      } catch (error) {
        // After a close the seat has been given up, and the memory may be gone.
        if (arrival === undefined || this.closed || !this.#end(arrival, false)) throw error;
        return true;
      }
      if (arrival !== undefined) return this.#end(arrival, passed);
      if (left() === 0) return false;
    }
  }

  protected override release(): void {
    for (const arrival of [...this.#arrivals]) this.#end(arrival, false);
    this.#waits.rejectAll(this.closedError());
  }

  #hasPassed(epoch: number): true | undefined {
    return this.#epoch() === epoch ? undefined : true;
  }

  /** Takes a seat, and lets all pass when it was the last; undefined when living threads have all of them. */
  #arrive(epoch: number): Arrival | undefined {
    const seat = this.#takeSeat(epoch);
    if (seat === undefined) return undefined;
    const arrival = { epoch, seat };
    this.#arrivals.add(arrival);
    this.#passIfComplete(epoch);
    return arrival;
  }

  #takeSeat(epoch: number): number | undefined {
    const mine = packed(this.#owners.claim(), epoch);
    for (let seat = 0; seat < this.parties; seat++) {
      const before = this.#seat(seat);
      if (this.#isTaken(before, epoch) || this.#isLeft(before, epoch)) continue;
      if (Atomics.compareExchange(this.#longs, SEATS_LONG + seat, before, mine) === before) return seat;
      // Another thread was faster at this seat.
      seat--;
    }
    return undefined;
  }

  /** Begins the next epoch when living threads have all seats. */
  #passIfComplete(epoch: number): void {
    for (;;) {
      // Loaded before the seats are counted: a thread that leaves afterwards changes it, and the exchange fails.
      const state = Atomics.load(this.#longs, BARRIER_STATE_LONG);
      if (lowOf(state) !== epoch || this.#count(epoch) < this.parties) return;
      const next = packed((epoch + 1) | 0, highOf(state));
      // Pairs with the loads of waiters: another epoch than the one they came in lets them pass.
      if (Atomics.compareExchange(this.#longs, BARRIER_STATE_LONG, state, next) !== state) continue;
      syscalls.futexWake(this.#words, BARRIER_EPOCH_WORD, ALL_WAITERS);
      return;
    }
  }

  /** The wait of that arrival is over; whether it has passed. */
  #end(arrival: Arrival, passed: boolean): boolean {
    this.#arrivals.delete(arrival);
    return passed || this.#leave(arrival);
  }

  /** Gives the seat up; true when all have passed before that was said. */
  #leave({ epoch, seat }: Arrival): boolean {
    const token = this.#owners.claim();
    // Neither counted nor taken from here on: all that pass afterwards have counted it before, or do without it.
    const leaving = packed(-token, epoch);
    const mine = packed(token, epoch);
    if (Atomics.compareExchange(this.#longs, SEATS_LONG + seat, mine, leaving) !== mine) return true;
    for (;;) {
      const state = Atomics.load(this.#longs, BARRIER_STATE_LONG);
      const passed = lowOf(state) !== epoch;
      const next = packed(epoch, (highOf(state) + 1) | 0);
      // Pairs with the exchange of #passIfComplete: one of the two comes first, and the other sees it.
      if (!passed && Atomics.compareExchange(this.#longs, BARRIER_STATE_LONG, state, next) !== state)
        continue;
      Atomics.compareExchange(this.#longs, SEATS_LONG + seat, leaving, 0n);
      return passed;
    }
  }

  #count(epoch: number): number {
    let taken = 0;
    for (let seat = 0; seat < this.parties; seat++) if (this.#isTaken(this.#seat(seat), epoch)) taken++;
    return taken;
  }

  /** Whether a living thread waits in that seat in this epoch. */
  #isTaken(seat: bigint, epoch: number): boolean {
    return seat !== 0n && highOf(seat) === epoch && this.#owners.isAlive(lowOf(seat));
  }

  /** Whether a living thread is just giving that seat up. */
  #isLeft(seat: bigint, epoch: number): boolean {
    const token = lowOf(seat);
    return token < 0 && highOf(seat) === epoch && this.#owners.isAlive(-token);
  }

  #seat(seat: number): bigint {
    return Atomics.load(this.#longs, SEATS_LONG + seat);
  }

  #epoch(): number {
    if (this.closed) throw this.closedError();
    return Atomics.load(this.#words, BARRIER_EPOCH_WORD);
  }
}

/** A barrier over a segment of its own, which says how many parties it has. */
function over(segment: Segment, expected?: number): Barrier {
  const parties = new Int32Array(segment.buffer, segment.byteOffset, PARTIES_WORD + 1)[
    PARTIES_WORD
  ] as number;
  try {
    if (expected !== undefined && expected !== parties)
      throw partiesError(`${expected} parties`, `this barrier has ${parties}`);
    return new Barrier(segment, 0, parties, true);
  } catch (error) {
    segment.close();
    throw error;
  }
}

function partiesError(what: string, why: string): SharedMemoryError {
  return new SharedMemoryError('ERR_MILLRACE_BARRIER_PARTIES', `${what}: ${why}.`);
}

function checkParties(parties: number): void {
  if (Number.isInteger(parties) && parties >= 1 && parties <= MAX_SLOTS) return;
  throw partiesError(`${parties} parties`, `the number must be an integer from 1 to ${MAX_SLOTS}`);
}

function shape(parties: number): SharedObjectShape {
  return {
    kind: KIND,
    size: Barrier.bytes(parties),
    owners: Math.max(DEFAULT_SLOTS, parties),
    initialise: ({ buffer, byteOffset }) => {
      new Int32Array(buffer, byteOffset, PARTIES_WORD + 1)[PARTIES_WORD] = parties;
    },
  };
}
