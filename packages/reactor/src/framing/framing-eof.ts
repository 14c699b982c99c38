import { type Bytes, bytesOrText } from '@millrace/channel';
import { ReactorError } from '../errors.js';
import { type Framer, MALFORMED } from './framer.js';

/** A frame ends with a delimiter of 1 to 8 bytes. */
export interface EofFraming {
  readonly kind: 'eof';
  /** Default `'\r\n\r\n'`. */
  readonly delimiter?: string | Bytes | undefined;
  /** Whether frames are delivered with their delimiter. Default false. */
  readonly includeDelimiter?: boolean | undefined;
  /**
   * True: each frame by itself. False: what has come is one frame as soon as it ends with the delimiter, and several
   * may be glued together; nothing is searched. Default true.
   */
  readonly split?: boolean | undefined;
}

const MAX_DELIMITER_BYTES = 8;
/** How far a loop searches before it leaves the search to the runtime: short frames cost no call. */
const NEAR = 128;

/** Cuts at each delimiter. */
export class EofFramer implements Framer {
  readonly needed = 0;
  readonly trailer: number;
  readonly #delimiter: Buffer;
  readonly #last: number;
  readonly #maxLength: number;

  constructor(framing: EofFraming, maxLength: number) {
    this.#delimiter = delimiterOf(framing);
    this.trailer = framing.includeDelimiter ? 0 : this.#delimiter.length;
    this.#last = this.#delimiter[this.#delimiter.length - 1] as number;
    this.#maxLength = maxLength;
  }

  measure(bytes: Buffer, start: number, end: number, scanned: number): number {
    const size = this.#delimiter.length;
    // Searches for the delimiter's last byte; what was scanned before cannot hold it.
    let at = start + Math.max(scanned, size - 1);
    const near = Math.min(end, at + NEAR);
    for (; at < near; at++) {
      if (bytes[at] === this.#last && holds(bytes, at + 1 - size, this.#delimiter))
        return this.#checked(at + 1 - start);
    }
    if (at < end) {
      const from = Math.max(start, at + 1 - size);
      const found = bytes.subarray(from, end).indexOf(this.#delimiter);
      if (found >= 0) return this.#checked(from + found + size - start);
    }
    return end - start > this.#maxLength ? MALFORMED : 0;
  }

  #checked(length: number): number {
    return length > this.#maxLength ? MALFORMED : length;
  }
}

/** Looks at the end of what has come, and nowhere else. */
export class EofCheckFramer implements Framer {
  readonly needed = 0;
  readonly trailer: number;
  readonly #delimiter: Buffer;
  readonly #maxLength: number;

  constructor(framing: EofFraming, maxLength: number) {
    this.#delimiter = delimiterOf(framing);
    this.trailer = framing.includeDelimiter ? 0 : this.#delimiter.length;
    this.#maxLength = maxLength;
  }

  measure(bytes: Buffer, start: number, end: number): number {
    const length = end - start;
    if (length > this.#maxLength) return MALFORMED;
    const at = end - this.#delimiter.length;
    return at >= start && holds(bytes, at, this.#delimiter) ? length : 0;
  }
}

function delimiterOf({ delimiter = '\r\n\r\n' }: EofFraming): Buffer {
  const bytes = Buffer.from(bytesOrText(delimiter, 'delimiter'));
  if (bytes.length >= 1 && bytes.length <= MAX_DELIMITER_BYTES) return bytes;
  throw new ReactorError(
    'ERR_MILLRACE_FRAMING',
    `A delimiter has 1 to ${MAX_DELIMITER_BYTES} bytes, ${JSON.stringify(delimiter)} has ${bytes.length}.`,
  );
}

function holds(bytes: Buffer, at: number, delimiter: Buffer): boolean {
  for (let i = 0; i < delimiter.length; i++) if (bytes[at + i] !== delimiter[i]) return false;
  return true;
}
