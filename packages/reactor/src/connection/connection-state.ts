// What is true of a connection, in bits: a server may have many.

/** The owner takes no frames for now. */
export const PAUSED = 1;
/** The other side sends no more. */
export const INPUT_ENDED = 2;
/** `end` was called: what is queued is sent, then the end. */
export const ENDING = 4;
/** The other side has been told that no more comes. */
export const OUTPUT_ENDED = 8;
/** More waits than the high-water mark, and `onCongestion` has been told. */
export const CONGESTED = 16;
/** `close` was called: what is queued is sent, then it is over. */
export const CLOSING = 32;
/** It is over, and the descriptor closed. */
export const CLOSED = 64;
/** Something was read and not delivered. */
export const HELD = 128;
/** Out of the reactor, because it would report a hang-up without end while nothing can be done about it. */
export const PARKED = 256;
/** `close` has sent everything, and drops what the other side had sent and goes on sending. */
export const LINGERING = 512;

/** What is true of a connection. */
export class ConnectionState {
  #bits = 0;

  /** Whether any of these bits is set. */
  is(bits: number): boolean {
    return (this.#bits & bits) !== 0;
  }

  mark(bit: number, on = true): void {
    this.#bits = on ? this.#bits | bit : this.#bits & ~bit;
  }
}
