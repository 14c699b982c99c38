import { SharedMemoryError } from '../errors.js';
import {
  DEFAULT_SLOTS,
  HOLDER_LONG,
  INDEX_BITS,
  INDEX_MASK,
  MAX_GENERATION,
  MAX_SLOTS,
  PID_WORD,
  READY_WORD,
  SLOT_BYTES,
  SLOT_LONGS,
  SLOT_WORDS,
  START_HI_WORD,
  START_LO_WORD,
  THREAD_WORD,
  USERS_WORD,
} from './layout.js';
import { procThreads, type ThreadIdentity, type Threads } from './threads.js';

const TWO_32 = 2 ** 32;

/**
 * The threads that may own something in a shared memory: a slot for each thread that takes part, and a token that names it.
 *
 * A lock word holds 0 or a token, put there by one compare-and-swap, so its owner is known from the first moment. A
 * token stands for one thread only, also after that has died and its slot has gone to another: the generation in it is
 * an older one then. Tokens are positive int32.
 *
 * Notes. Every thread has its own object over the memory. `claim` reads two files of /proc the first time, `isAlive`
 * reads one; neither belongs on a path that does not wait. Ids mean something in one pid namespace only: a thread of
 * another can claim nothing, and takes all others for alive.
 */
export class OwnerRegistry {
  readonly slots: number;
  readonly #words: Int32Array;
  readonly #longs: BigInt64Array;
  readonly #threads: Threads;
  readonly #namespace: number | undefined;
  #token = 0;

  /** Bytes of memory that a registry of `slots` threads takes. */
  static bytes(slots: number = DEFAULT_SLOTS): number {
    checkSlots(slots);
    return slots * SLOT_BYTES;
  }

  /** The index, from 0, of the slot that a token names. */
  static slotOf(token: number): number {
    return token & INDEX_MASK;
  }

  /**
   * A registry at `byteOffset` (a multiple of 8) of `memory`; zeroed memory is an empty one. `namespace`: the pid
   * namespace that its ids are of, where the memory says so.
   */
  constructor(
    memory: ArrayBuffer,
    byteOffset: number,
    slots: number = DEFAULT_SLOTS,
    threads: Threads = procThreads,
    namespace?: number,
  ) {
    checkSlots(slots);
    this.slots = slots;
    this.#words = new Int32Array(memory, byteOffset, slots * SLOT_WORDS);
    this.#longs = new BigInt64Array(memory, byteOffset, slots * SLOT_LONGS);
    this.#threads = threads;
    this.#namespace = namespace;
  }

  /**
   * The token of this thread, the same at every call until `release`, and for all registries of the thread over the
   * same memory. Throws `ERR_MILLRACE_OWNERS_FULL` when as many other threads as there are slots live, and
   * `ERR_MILLRACE_PID_NAMESPACE` in another pid namespace than that of the memory.
   */
  claim(): number {
    if (this.#token !== 0) return this.#token;
    if (this.#isForeign()) throw this.#foreign();
    const self = this.#threads.self();
    this.#token = this.#share(self) ?? this.#takeFree(self) ?? this.#takeFromDead(self) ?? this.#full();
    return this.#token;
  }

  /** Whether the thread that `token` was given to lives and has not released it. */
  isAlive(token: number): boolean {
    if (token === this.#token && token !== 0) return true;
    const slot = OwnerRegistry.slotOf(token);
    if (token <= 0 || slot >= this.slots) return false;
    // What is dead in another namespace cannot be told from here: nothing is taken from it.
    if (this.#isForeign()) return true;
    const ready = slot * SLOT_WORDS + READY_WORD;
    // Pairs with the last store of #occupy: what identifies the owner of this token was written before.
    if (Atomics.load(this.#words, ready) !== token) return false;
    const owner = this.#identity(slot);
    // Pairs with the first store of #occupy and with `release`: unchanged, so no successor has written in between.
    if (Atomics.load(this.#words, ready) !== token) return false;
    return this.#threads.isAlive(owner);
  }

  /**
   * Gives the slot back, when no other registry of this thread uses it; idempotent. What is still owned under the
   * token then has no living owner.
   */
  release(): void {
    if (this.#token === 0) return;
    const token = this.#token;
    this.#token = 0;
    const slot = OwnerRegistry.slotOf(token);
    const at = slot * SLOT_WORDS;
    if (Atomics.sub(this.#words, at + USERS_WORD, 1) > 1) return;
    // Pairs with the loads of isAlive: the token has no owner before another can have the slot.
    Atomics.store(this.#words, at + READY_WORD, 0);
    Atomics.store(this.#longs, slot * SLOT_LONGS + HOLDER_LONG, holder(0, token));
  }

  /** Joins the slot that another registry of this thread has. */
  #share(self: ThreadIdentity): number | undefined {
    for (let slot = 0; slot < this.slots; slot++) {
      const { tid, token } = this.#holder(slot);
      if (tid !== self.tid || !this.#isReady(slot, token)) continue;
      const { pid, start } = this.#identity(slot);
      if (pid !== self.pid || start !== self.start) continue;
      Atomics.add(this.#words, slot * SLOT_WORDS + USERS_WORD, 1);
      return token;
    }
    return undefined;
  }

  #takeFree(self: ThreadIdentity): number | undefined {
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.#holder(slot).tid !== 0) continue;
      const token = this.#take(slot, self);
      if (token !== undefined) return token;
    }
    return undefined;
  }

  #takeFromDead(self: ThreadIdentity): number | undefined {
    for (let slot = 0; slot < this.slots; slot++) {
      const { tid, token } = this.#holder(slot);
      if (tid !== 0 && this.#lives(slot, tid, token, self)) continue;
      const taken = this.#take(slot, self, holder(tid, token));
      if (taken !== undefined) return taken;
    }
    return undefined;
  }

  /** Whether the holder of a slot lives, also when it has not got as far as writing its identity. */
  #lives(slot: number, tid: number, token: number, self: ThreadIdentity): boolean {
    if (this.#isReady(slot, token)) return this.isAlive(token);
    // Begun under the id of this thread, and not by it: by one that had the id before.
    return tid !== self.tid && this.#threads.exists(tid);
  }

  /** Takes a slot that is as `seen`; undefined when another thread was first. */
  #take(slot: number, self: ThreadIdentity, seen?: bigint): number | undefined {
    const at = slot * SLOT_LONGS + HOLDER_LONG;
    const before = seen ?? Atomics.load(this.#longs, at);
    if (seen === undefined && tidOf(before) !== 0) return undefined;
    const token = nextToken(tokenOf(before), slot);
    if (Atomics.compareExchange(this.#longs, at, before, holder(self.tid, token)) !== before)
      return undefined;
    this.#occupy(slot, token, self);
    return token;
  }

  #occupy(slot: number, token: number, { pid, tid, start }: ThreadIdentity): void {
    const at = slot * SLOT_WORDS;
    // Pairs with the second load of isAlive: a thread that checks the former owner does not take the new one's words for it.
    Atomics.store(this.#words, at + READY_WORD, 0);
    Atomics.store(this.#words, at + PID_WORD, pid);
    Atomics.store(this.#words, at + THREAD_WORD, tid);
    Atomics.store(this.#words, at + START_LO_WORD, (start % TWO_32) | 0);
    Atomics.store(this.#words, at + START_HI_WORD, Math.floor(start / TWO_32));
    Atomics.store(this.#words, at + USERS_WORD, 1);
    // Pairs with the first load of isAlive: the identity is complete.
    Atomics.store(this.#words, at + READY_WORD, token);
  }

  #holder(slot: number): { readonly tid: number; readonly token: number } {
    const word = Atomics.load(this.#longs, slot * SLOT_LONGS + HOLDER_LONG);
    return { tid: tidOf(word), token: tokenOf(word) };
  }

  #isReady(slot: number, token: number): boolean {
    return Atomics.load(this.#words, slot * SLOT_WORDS + READY_WORD) === token;
  }

  #identity(slot: number): ThreadIdentity {
    const at = slot * SLOT_WORDS;
    const word = (index: number) => Atomics.load(this.#words, at + index);
    return {
      pid: word(PID_WORD),
      tid: word(THREAD_WORD),
      start: word(START_HI_WORD) * TWO_32 + (word(START_LO_WORD) >>> 0),
    };
  }

  #isForeign(): boolean {
    return this.#namespace !== undefined && this.#namespace !== this.#threads.namespace();
  }

  #foreign(): SharedMemoryError {
    return new SharedMemoryError(
      'ERR_MILLRACE_PID_NAMESPACE',
      `This memory was created in pid namespace ${this.#namespace}, this process is in ${this.#threads.namespace()}: ` +
        'whether the owner of a lock lives cannot be told across them. Run all users of it in one (docker: --pid=container:NAME, ' +
        'Kubernetes: shareProcessNamespace), or unlink the segment and create it anew.',
    );
  }

  #full(): never {
    throw new SharedMemoryError(
      'ERR_MILLRACE_OWNERS_FULL',
      `All ${this.slots} owners of this memory live: as many threads of processes use it. Create it for more owners, ` +
        'or close it where it is no longer needed.',
    );
  }
}

/** HOLDER: the thread in the upper half, the token in the lower. */
function holder(tid: number, token: number): bigint {
  return (BigInt(tid) << 32n) | BigInt(token);
}

function tidOf(word: bigint): number {
  return Number(word >> 32n);
}

function tokenOf(word: bigint): number {
  return Number(word & 0xffff_ffffn);
}

function nextToken(before: number, slot: number): number {
  const generation = before >>> INDEX_BITS;
  return ((generation >= MAX_GENERATION ? 1 : generation + 1) << INDEX_BITS) | slot;
}

function checkSlots(slots: number): void {
  if (Number.isInteger(slots) && slots >= 1 && slots <= MAX_SLOTS) return;
  throw new SharedMemoryError(
    'ERR_MILLRACE_OWNERS_COUNT',
    `${slots} owners: the number must be an integer from 1 to ${MAX_SLOTS}.`,
  );
}
