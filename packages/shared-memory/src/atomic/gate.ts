import { syscalls } from '@millrace/native';
import type { SegmentName } from '../segment/name.js';
import type { SegmentTrust } from '../segment/options.js';
import type { Segment } from '../segment/segment.js';
import { ownSegment, Resident, type ResidentOptions, residentOffset } from '../segment/shared-object.js';
import {
  type AsyncWaitOptions,
  checkAsync,
  checkBlocking,
  type WaitOptions,
  WordWaits,
} from '../wait/word-waits.js';
import { EPOCH_WORD, GATE_BYTES, isOpenEpoch } from './layout.js';

const EVERYBODY = 2 ** 31 - 1;
const SHAPE = { kind: 'gate', size: GATE_BYTES, owners: 0 };

/**
 * Keeps all who wait until it is opened, threads of any process, and then lets all of them pass: a start of several
 * processes.
 *
 * Notes. Whoever waited when it was opened passes, also when it has been shut again meanwhile. Nothing is kept of who waits:
 * one that dies costs the others nothing. `wait` blocks the thread, `waitAsync` does not.
 */
export class Gate extends Resident {
  /** Bytes that one takes in a segment of the user's. */
  static readonly bytes = GATE_BYTES;
  readonly #words: Int32Array;
  readonly #waits: WordWaits;

  /** The gate at `byteOffset` (a multiple of 8) of a segment of the user's; zeroed memory is one that is shut. */
  constructor(segment: Segment, byteOffset = 0, own = false) {
    const at = residentOffset(segment, byteOffset, GATE_BYTES);
    super(segment, own);
    this.#words = new Int32Array(segment.buffer, at, 1);
    this.#waits = new WordWaits(this.#words);
  }

  static create(name: SegmentName, options: ResidentOptions = {}): Gate {
    return new Gate(ownSegment.create(name, SHAPE, options), 0, true);
  }

  static open(name: SegmentName, trust: SegmentTrust = {}): Gate {
    return new Gate(ownSegment.open(name, SHAPE, trust), 0, true);
  }

  static openOrCreate(name: SegmentName, options: ResidentOptions = {}): Gate {
    return new Gate(ownSegment.openOrCreate(name, SHAPE, options), 0, true);
  }

  /** Handed on as `segment.descriptor`. */
  static anonymous(): Gate {
    return new Gate(ownSegment.anonymous(SHAPE), 0, true);
  }

  static fromDescriptor(fd: number): Gate {
    return new Gate(ownSegment.fromDescriptor(fd, SHAPE), 0, true);
  }

  get isOpen(): boolean {
    return isOpenEpoch(this.#epoch());
  }

  /** Lets all pass who wait, and all who come until it is shut; false when it was open. */
  open(): boolean {
    if (!this.#turn(true)) return false;
    syscalls.futexWake(this.#words, EPOCH_WORD, EVERYBODY);
    return true;
  }

  /** Whoever comes from here on waits; false when it was shut. */
  shut(): boolean {
    return this.#turn(false);
  }

  /** Waits until it is opened; BLOCKS this thread. False when `timeout` (default Infinity) has passed. */
  wait(options: WaitOptions = {}): boolean {
    checkBlocking(options);
    const { timeout = Number.POSITIVE_INFINITY } = options;
    const before = this.#epoch();
    return this.#waits.block(before, this.#passes(before), timeout);
  }

  /**
   * As `wait`, without blocking. Resolves with false when `timeout` (default Infinity) has passed; rejects with the signal's
   * reason, or `ERR_MILLRACE_CLOSED`.
   */
  async waitAsync(options: AsyncWaitOptions = {}): Promise<boolean> {
    checkAsync(options);
    const { timeout = Number.POSITIVE_INFINITY, signal } = options;
    const before = this.#epoch();
    return this.#waits.wait(before, this.#passes(before), { timeout, ...(signal && { signal }) });
  }

  protected override release(): void {
    this.#waits.rejectAll(this.closedError());
  }

  /** Whether one that came in the epoch `before` may pass: it was open, or has been opened since. */
  #passes(before: number): () => true | undefined {
    return () => (isOpenEpoch(before) || this.#epoch() !== before ? true : undefined);
  }

  /** Opens or shuts it; whether that changed something. */
  #turn(toOpen: boolean): boolean {
    for (;;) {
      const before = this.#epoch();
      if (isOpenEpoch(before) === toOpen) return false;
      // Pairs with the loads of those who wait: an epoch that is not theirs any more lets them pass.
      if (Atomics.compareExchange(this.#words, EPOCH_WORD, before, (before + 1) | 0) === before) return true;
    }
  }

  #epoch(): number {
    if (this.closed) throw this.closedError();
    return Atomics.load(this.#words, EPOCH_WORD);
  }
}
