import { ReactorError } from './errors.js';

/** How a stream is cut to frames. */
export type Framing =
  /** Whatever one read brought is one frame. */
  | { readonly kind: 'none' }
  /** A frame ends with a delimiter of 1 to 8 bytes. */
  | {
      readonly kind: 'eof';
      /** Default `'\r\n\r\n'`. */
      readonly delimiter?: string | Uint8Array;
      /** Whether frames are delivered with their delimiter. Default false. */
      readonly includeDelimiter?: boolean;
    }
  /** A frame begins with a header that holds a length; it is delivered with the header. */
  | {
      readonly kind: 'length';
      /** Default `'uint32be'`. */
      readonly type?: LengthType;
      /** Where the length field begins, in bytes. Default 0. */
      readonly offset?: number;
      /** What is added to the length to get the whole frame's; 0: the length counts everything. Default 4. */
      readonly bodyOffset?: number;
    };

export type LengthType = keyof typeof LENGTH_TYPES;

const LENGTH_TYPES = {
  uint8: [1, (bytes: Buffer, at: number) => bytes[at] as number],
  uint16be: [2, (bytes: Buffer, at: number) => bytes.readUInt16BE(at)],
  uint16le: [2, (bytes: Buffer, at: number) => bytes.readUInt16LE(at)],
  uint32be: [4, (bytes: Buffer, at: number) => bytes.readUInt32BE(at)],
  uint32le: [4, (bytes: Buffer, at: number) => bytes.readUInt32LE(at)],
} as const;

/** The frame cannot be: longer than the limit, or shorter than its own header. */
export const MALFORMED = -1;

/**
 * Finds where the frame that begins at `start` ends.
 *
 * Returns its length in bytes, 0 when more bytes are needed, {@link MALFORMED} when the stream cannot go on.
 * `scanned` bytes after `start` have been looked at before. After 0, `needed` says how long the frame will be, 0 when
 * that is not known yet.
 */
export interface Framer {
  measure(bytes: Buffer, start: number, end: number, scanned: number): number;
  readonly needed: number;
  /** Bytes at a frame's end that are not delivered. */
  readonly trailer: number;
}

/** Makes the framer for `framing`; frames longer than `maxLength` bytes are malformed. Throws `ERR_MILLRACE_FRAMING`. */
export function createFramer(framing: Framing, maxLength: number): Framer {
  switch (framing.kind) {
    case 'none':
      return { needed: 0, trailer: 0, measure: (_bytes, start, end) => end - start };
    case 'eof':
      return new EofFramer(framing, maxLength);
    case 'length':
      return new LengthFramer(framing, maxLength);
  }
}

const MAX_DELIMITER_BYTES = 8;
/** How far a loop looks before it leaves the search to the runtime: short frames cost no call. */
const NEAR = 128;

class EofFramer implements Framer {
  readonly needed = 0;
  readonly trailer: number;
  readonly #delimiter: Buffer;
  readonly #last: number;
  readonly #maxLength: number;

  constructor(
    { delimiter = '\r\n\r\n', includeDelimiter = false }: Framing & { kind: 'eof' },
    maxLength: number,
  ) {
    this.#delimiter = Buffer.from(delimiter as Uint8Array);
    const { length } = this.#delimiter;
    if (length < 1 || length > MAX_DELIMITER_BYTES) {
      throw new ReactorError(
        'ERR_MILLRACE_FRAMING',
        `A delimiter has 1 to ${MAX_DELIMITER_BYTES} bytes, ${JSON.stringify(delimiter)} has ${length}.`,
      );
    }
    this.trailer = includeDelimiter ? 0 : length;
    this.#last = this.#delimiter[length - 1] as number;
    this.#maxLength = maxLength;
  }

  measure(bytes: Buffer, start: number, end: number, scanned: number): number {
    const size = this.#delimiter.length;
    // Looks for the delimiter's last byte; what was scanned before cannot hold it.
    let at = start + Math.max(scanned, size - 1);
    const near = Math.min(end, at + NEAR);
    for (; at < near; at++) {
      if (bytes[at] === this.#last && this.#matches(bytes, at + 1 - size))
        return this.#checked(at + 1 - start);
    }
    if (at < end) {
      const from = Math.max(start, at + 1 - size);
      const found = bytes.subarray(from, end).indexOf(this.#delimiter);
      if (found >= 0) return this.#checked(from + found + size - start);
    }
    return end - start > this.#maxLength ? MALFORMED : 0;
  }

  #matches(bytes: Buffer, at: number): boolean {
    for (let i = 0; i < this.#delimiter.length - 1; i++)
      if (bytes[at + i] !== this.#delimiter[i]) return false;
    return true;
  }

  #checked(length: number): number {
    return length > this.#maxLength ? MALFORMED : length;
  }
}

class LengthFramer implements Framer {
  readonly trailer = 0;
  needed = 0;
  readonly #offset: number;
  readonly #bodyOffset: number;
  readonly #header: number;
  readonly #read: (bytes: Buffer, at: number) => number;
  readonly #maxLength: number;

  constructor(
    { type = 'uint32be', offset = 0, bodyOffset = 4 }: Framing & { kind: 'length' },
    maxLength: number,
  ) {
    if (!Object.hasOwn(LENGTH_TYPES, type)) {
      const allowed = Object.keys(LENGTH_TYPES).join(', ');
      throw new ReactorError('ERR_MILLRACE_FRAMING', `The length type '${type}' is not one of ${allowed}.`);
    }
    for (const [name, value] of Object.entries({ offset, bodyOffset })) {
      if (!Number.isInteger(value) || value < 0 || value > maxLength) {
        throw new ReactorError(
          'ERR_MILLRACE_FRAMING',
          `${name} is an integer from 0 to ${maxLength}, not ${value}.`,
        );
      }
    }
    const [size, read] = LENGTH_TYPES[type];
    this.#offset = offset;
    this.#bodyOffset = bodyOffset;
    this.#header = offset + size;
    this.#read = read;
    this.#maxLength = maxLength;
  }

  measure(bytes: Buffer, start: number, end: number): number {
    this.needed = 0;
    if (end - start < this.#header) return 0;
    const length = this.#bodyOffset + this.#read(bytes, start + this.#offset);
    if (length < this.#header || length > this.#maxLength) return MALFORMED;
    if (end - start >= length) return length;
    this.needed = length;
    return 0;
  }
}
