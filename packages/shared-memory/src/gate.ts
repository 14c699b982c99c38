import { Alarm, checkWait, deadlineAfter } from '@millrace/channel';
import { EAGAIN, EINTR, ETIMEDOUT, SystemCallError, syscalls } from '@millrace/native';
import { EPOCH_WORD, GATE_BYTES, isOpenEpoch } from './gate-layout.js';
import { ownSegment, Resident, type ResidentOptions, residentOffset } from './resident.js';
import type { Segment } from './segment.js';
import type { SegmentName } from './segment-name.js';
import type { SegmentTrust } from './segment-options.js';
import { SLICE_MS } from './wait-constants.js';
import type { AsyncWaitOptions, WaitOptions } from './wait-options.js';
import { onWordChange } from './word-waiter.js';

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
  readonly #rejects = new Set<(error: Error) => void>();

  /** The gate at `byteOffset` (a multiple of 8) of a segment of the user's; zeroed memory is one that is shut. */
  constructor(segment: Segment, byteOffset = 0, own = false) {
    super(segment, own);
    this.#words = new Int32Array(segment.buffer, residentOffset(segment, byteOffset, GATE_BYTES), 1);
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
  wait({ timeout = Number.POSITIVE_INFINITY }: WaitOptions = {}): boolean {
    const deadline = deadlineAfter(timeout);
    const before = this.#epoch();
    if (isOpenEpoch(before)) return true;
    for (;;) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      const slice = Math.ceil(Math.min(left, SLICE_MS));
      const result = syscalls.futexWait(this.#words, EPOCH_WORD, before, slice);
      if (result < 0 && result !== -EAGAIN && result !== -ETIMEDOUT && result !== -EINTR)
        throw new SystemCallError('futex', -result);
      if (this.#epoch() !== before) return true;
    }
  }

  /**
   * As `wait`, without blocking. Resolves with false when `timeout` (default Infinity) has passed; rejects with the signal's
   * reason, or `ERR_MILLRACE_CLOSED`.
   */
  waitAsync({ timeout = Number.POSITIVE_INFINITY, signal }: AsyncWaitOptions = {}): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const deadline = deadlineAfter(timeout);
      checkWait({ signal });
      const before = this.#epoch();
      if (isOpenEpoch(before)) return resolve(true);
      let cancel = () => {};
      let alarm: Alarm | undefined;
      const end = () => {
        cancel();
        alarm?.cancel();
        signal?.removeEventListener('abort', aborted);
        this.#rejects.delete(fail);
      };
      const pass = (passed: boolean) => {
        end();
        resolve(passed);
      };
      const fail = (error: unknown) => {
        end();
        reject(error);
      };
      const aborted = () => fail(signal?.reason);
      const look = () => {
        if (this.#epoch() !== before) return pass(true);
        if (performance.now() >= deadline) return pass(false);
        cancel = onWordChange(this.#words, EPOCH_WORD, before, look);
      };
      signal?.addEventListener('abort', aborted, { once: true });
      this.#rejects.add(fail);
      if (timeout > 0) alarm = new Alarm(timeout, () => pass(this.#epoch() !== before));
      look();
    });
  }

  protected override release(): void {
    for (const reject of [...this.#rejects]) reject(this.closedError());
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
