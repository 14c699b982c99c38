/**
 * Who sleeps until something happens: a bit for each member, in shared memory. Whoever makes it happen takes one bit
 * away and rings that member's bell, so that one event wakes one sleeper.
 *
 * Notes. A sleeper sets its bit and looks once more; a waker makes its news visible and then looks at the bits. All of
 * it is sequentially consistent, so one of the two sees the other. A bit that was taken away is a promise that the
 * bell rings; `abandon` keeps it for the dead, by ringing everybody.
 */
export class QueueSleepers {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #count: number;
  readonly #own: number;
  readonly #bit: number;
  readonly #ring: (member: number) => void;
  #asleep = false;

  constructor(words: Int32Array, at: number, members: number, own: number, ring: (member: number) => void) {
    this.#words = words;
    this.#at = at;
    this.#count = Math.ceil(members / 32);
    this.#own = at + (own >> 5);
    this.#bit = 1 << (own & 31);
    this.#ring = ring;
  }

  /** Asks to be rung. Look once more afterwards, for what came before it. */
  sleep(): void {
    this.#asleep = true;
    // Pairs with the loads in `ringOne` and `ringMember`.
    Atomics.or(this.#words, this.#own, this.#bit);
  }

  /** Asks no more, before it looks. True when it had asked and somebody has promised to ring. */
  wake(): boolean {
    if (!this.#asleep) return false;
    this.#asleep = false;
    return (Atomics.and(this.#words, this.#own, ~this.#bit) & this.#bit) === 0;
  }

  /** Whether anybody sleeps. */
  any(): boolean {
    for (let i = 0; i < this.#count; i++) if (Atomics.load(this.#words, this.#at + i) !== 0) return true;
    return false;
  }

  /** Rings one that sleeps, if any does. Call it after publishing what it should find. */
  ringOne(): void {
    for (let i = 0; i < this.#count; i++) {
      for (;;) {
        const bits = Atomics.load(this.#words, this.#at + i);
        if (bits === 0) break;
        const index = 31 - Math.clz32(bits & -bits);
        if (this.#claim(this.#at + i, 1 << index)) return this.#ring(i * 32 + index);
      }
    }
  }

  /** Rings this one, if it sleeps. */
  ringMember(member: number): void {
    const at = this.#at + (member >> 5);
    const bit = 1 << (member & 31);
    if ((Atomics.load(this.#words, at) & bit) !== 0 && this.#claim(at, bit)) this.#ring(member);
  }

  /** Forgets that a dead member slept. */
  forget(member: number): void {
    Atomics.and(this.#words, this.#at + (member >> 5), ~(1 << (member & 31)));
  }

  #claim(at: number, bit: number): boolean {
    return (Atomics.and(this.#words, at, ~bit) & bit) !== 0;
  }
}
