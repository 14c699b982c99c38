import { ReactorError } from '../errors.js';
import { type Framer, MALFORMED } from './framer.js';

/** A frame begins with a header that holds a length; it is delivered with the header. */
export interface LengthFraming {
  readonly kind: 'length';
  /** Default `'uint32be'`. */
  readonly type?: LengthType | undefined;
  /** Where the length field begins, in bytes. Default 0. */
  readonly offset?: number | undefined;
  /** What is added to the length to get the whole frame's; 0: the length counts everything. Default 4. */
  readonly bodyOffset?: number | undefined;
}

export type LengthType = keyof typeof LENGTH_TYPES;

const TWO_32 = 2 ** 32;

/** Bytes of the field, and how it is read. A value beyond 2^53 is not exact, and longer than any limit anyway. */
const LENGTH_TYPES = {
  int8: [1, (bytes: Buffer, at: number) => bytes.readInt8(at)],
  uint8: [1, (bytes: Buffer, at: number) => bytes[at] as number],
  int16be: [2, (bytes: Buffer, at: number) => bytes.readInt16BE(at)],
  int16le: [2, (bytes: Buffer, at: number) => bytes.readInt16LE(at)],
  uint16be: [2, (bytes: Buffer, at: number) => bytes.readUInt16BE(at)],
  uint16le: [2, (bytes: Buffer, at: number) => bytes.readUInt16LE(at)],
  int32be: [4, (bytes: Buffer, at: number) => bytes.readInt32BE(at)],
  int32le: [4, (bytes: Buffer, at: number) => bytes.readInt32LE(at)],
  uint32be: [4, (bytes: Buffer, at: number) => bytes.readUInt32BE(at)],
  uint32le: [4, (bytes: Buffer, at: number) => bytes.readUInt32LE(at)],
  int64be: [8, (bytes: Buffer, at: number) => bytes.readInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4)],
  int64le: [8, (bytes: Buffer, at: number) => bytes.readInt32LE(at + 4) * TWO_32 + bytes.readUInt32LE(at)],
  uint64be: [8, (bytes: Buffer, at: number) => bytes.readUInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4)],
  uint64le: [8, (bytes: Buffer, at: number) => bytes.readUInt32LE(at + 4) * TWO_32 + bytes.readUInt32LE(at)],
} as const;

/** The types that a length field can have. */
export const lengthTypes = Object.keys(LENGTH_TYPES) as LengthType[];

/** Reads a length from a header. A negative one, or one that does not count its own header, is malformed. */
export class LengthFramer implements Framer {
  readonly trailer = 0;
  needed = 0;
  readonly #offset: number;
  readonly #bodyOffset: number;
  readonly #header: number;
  readonly #read: (bytes: Buffer, at: number) => number;
  readonly #maxLength: number;

  constructor({ type = 'uint32be', offset = 0, bodyOffset = 4 }: LengthFraming, maxLength: number) {
    if (!Object.hasOwn(LENGTH_TYPES, type)) {
      throw new ReactorError(
        'ERR_MILLRACE_FRAMING',
        `The length type '${type}' is not one of ${lengthTypes.join(', ')}.`,
      );
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
    const value = this.#read(bytes, start + this.#offset);
    const length = this.#bodyOffset + value;
    if (value < 0 || length < this.#header || length > this.#maxLength) return MALFORMED;
    if (end - start >= length) return length;
    this.needed = length;
    return 0;
  }
}
