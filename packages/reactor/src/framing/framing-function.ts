import { ReactorError } from '../errors.js';
import { type Framer, MALFORMED } from './framer.js';

/**
 * Says how many bytes the frame that begins at `bytes[start]` has, given that bytes up to `end` have come: more than
 * that when its end is still to come, 0 when more bytes are needed to know, -1 when the stream cannot go on. What it
 * throws, and any other number, makes the stream malformed too.
 */
export type Measure = (bytes: Buffer, start: number, end: number) => number;

/** A function says how long a frame is; it is delivered whole. */
export interface FunctionFraming {
  readonly kind: 'function';
  readonly measure: Measure;
}

export class FunctionFramer implements Framer {
  readonly trailer = 0;
  needed = 0;
  error: unknown;
  readonly #measure: Measure;
  readonly #maxLength: number;

  constructor(measure: Measure, maxLength: number) {
    if (typeof measure !== 'function')
      throw new ReactorError('ERR_MILLRACE_FRAMING', `measure is a function, not ${String(measure)}.`);
    this.#measure = measure;
    this.#maxLength = maxLength;
  }

  measure(bytes: Buffer, start: number, end: number): number {
    this.needed = 0;
    this.error = undefined;
    let length: number;
    try {
      length = this.#measure(bytes, start, end);
    } catch (error) {
      this.error = error;
      return MALFORMED;
    }
    if (length === 0) return end - start > this.#maxLength ? MALFORMED : 0;
    if (!Number.isInteger(length) || length < 0 || length > this.#maxLength) return MALFORMED;
    if (length <= end - start) return length;
    this.needed = length;
    return 0;
  }
}
