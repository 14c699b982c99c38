import { PIECE_BEGINS, PIECE_ENDS } from '../../links/packet.js';

/** Bytes of a frame that are kept until it is whole. One that is longer goes to the worker in pieces. */
const MAX_KEPT_FRAME = 20 << 10;
/** Of a frame of a client: two bytes, an extended length, a mask. */
const MASK_BYTES = 4;
/** The most that a control frame may carry. */
const MAX_CONTROL = 125;
/** RSV2 and RSV3, which no extension of today uses; RSV1 is permessage-deflate's. */
const RESERVED = 0x30;

/**
 * Cuts what the client of a WebSocket sends to messages: each frame is a piece, if it is not too long, a message begins with its first
 * frame and ends with its last. A control frame between two messages is one by itself; inside of a message it is a piece of that one.
 */
export class MessageCutter {
  /** Of the last piece, as of requests: `PIECE_BEGINS` and `PIECE_ENDS`. */
  flags = 0;
  /** It is no WebSocket of RFC 6455: nothing is cut any more. */
  isOdd = false;
  /** A message has begun and not ended. */
  inside = false;
  /** Bytes that the present frame lacks, and whether it is the last of its message. */
  #left = 0;
  #isLast = false;

  /** The length of the next piece; 0: more is needed. */
  measure(bytes: Uint8Array, start: number, end: number): number {
    const there = end - start;
    if (this.#left > 0) {
      const taken = Math.min(this.#left, there);
      this.#left -= taken;
      return this.#piece(taken, false);
    }
    if (there < 2) return 0;
    const first = bytes[start] as number;
    const second = bytes[start + 1] as number;
    const short = second & 0x7f;
    const head = 2 + (short < 126 ? 0 : short === 126 ? 2 : 8) + MASK_BYTES;
    if ((second & 0x80) === 0 || !this.#mayCome(first, short)) return this.#odd(there);
    if (there < head) return 0;
    const length = short < 126 ? short : lengthAt(bytes, start + 2, short === 126 ? 2 : 8);
    if (length > Number.MAX_SAFE_INTEGER) return this.#odd(there);
    const whole = head + length;
    if (there < whole && whole <= MAX_KEPT_FRAME) return 0;
    const taken = Math.min(whole, there);
    if (isControl(first)) {
      this.flags = this.inside ? 0 : PIECE_BEGINS | PIECE_ENDS;
      return taken;
    }
    this.#left = whole - taken;
    this.#isLast = (first & 0x80) !== 0;
    return this.#piece(taken, !this.inside);
  }

  #piece(length: number, begins: boolean): number {
    const ends = this.#isLast && this.#left === 0;
    this.inside = !ends;
    this.flags = (begins ? PIECE_BEGINS : 0) | (ends ? PIECE_ENDS : 0);
    return length;
  }

  #odd(length: number): number {
    this.isOdd = true;
    return length;
  }

  /** Whether a frame may begin with that byte here. */
  #mayCome(first: number, short: number): boolean {
    if ((first & RESERVED) !== 0) return false;
    const opcode = first & 0x0f;
    if (isControl(first)) return opcode <= 10 && (first & 0x80) !== 0 && short <= MAX_CONTROL;
    return this.inside ? opcode === 0 : opcode === 1 || opcode === 2;
  }
}

const isControl = (first: number): boolean => (first & 0x08) !== 0;

function lengthAt(bytes: Uint8Array, at: number, count: number): number {
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + (bytes[at + i] as number);
  return length;
}
