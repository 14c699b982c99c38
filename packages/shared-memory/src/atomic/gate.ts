import { syscalls } from '@millrace/native/syscalls';
import type { Segment } from '../segment/segment.js';
import { namedObjects, objectOffset, SharedObject } from '../segment/shared-object.js';
import {
  type AsyncWaitOptions,
  checkAsync,
  checkBlocking,
  type WaitOptions,
  WordWaits,
} from '../wait/word-waits.js';
import { EPOCH_WORD, GATE_BYTES, isOpenEpoch } from './layout.js';

const ALL_WAITERS = 2 ** 31 - 1;

const SHAPE = { kind: 'gate', size: GATE_BYTES, owners: 0 };
const gates = namedObjects(SHAPE, (segment) => new Gate(segment, 0, true));

/**
 * Holds threads of any process back until it is opened, and then lets all of them pass: a common start of several
 * processes.
 *
 * Notes. All waiters pass when it is opened, also when it is shut again at once. The memory keeps nothing of waiters:
 * one that dies costs the others nothing. `wait` blocks the thread, `waitAsync` does not.
 */
export class Gate extends SharedObject {
  /** Bytes that one takes in a segment of the user's. */
  static readonly bytes = GATE_BYTES;
  readonly #words: Int32Array;
  readonly #waits: WordWaits;

  /** The gate at `byteOffset` (a multiple of 8) of a segment of the user's; zeroed memory is one that is shut. */
  constructor(segment: Segment, byteOffset = 0, own = false) {
    const at = objectOffset(segment, byteOffset, GATE_BYTES);
    super(segment, own);
    this.#words = new Int32Array(segment.buffer, at, 1);
    this.#waits = new WordWaits(this.#words);
  }

  static readonly create = gates.create;
  static readonly open = gates.open;
  static readonly openOrCreate = gates.openOrCreate;
  /** Handed on as `segment.descriptor`. */
  static readonly anonymous = gates.anonymous;
  static readonly fromDescriptor = gates.fromDescriptor;

  get isOpen(): boolean {
    return isOpenEpoch(this.#epoch());
  }

  /** Lets all waiters pass, and all that come until it is shut; false when it was open. */
  open(): boolean {
    if (!this.#turn(true)) return false;
    syscalls.futexWake(this.#words, EPOCH_WORD, ALL_WAITERS);
    return true;
  }

  /** All that come from here on wait; false when it was shut. */
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
      // Pairs with the loads of waiters: another epoch than the one they came in lets them pass.
      if (Atomics.compareExchange(this.#words, EPOCH_WORD, before, (before + 1) | 0) === before) return true;
    }
  }

  #epoch(): number {
    if (this.closed) throw this.closedError();
    return Atomics.load(this.#words, EPOCH_WORD);
  }
}
