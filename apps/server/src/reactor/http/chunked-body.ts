import * as http from './http-bytes.js';
import { CR, hexValue, isIn, LF } from './http-bytes.js';

// Where in a chunked body the next byte lies.
const SIZE_START = 0;
const SIZE = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const EXTENSION_START = 6;
const EXTENSION = 7;
const VALUE_START = 8;
const VALUE = 9;
const QUOTED = 10;
const EXTENSION_END = 11;
/** The line of the last chunk has been read. */
const DONE = 12;
/** There is something in it that leaves a doubt. */
const ODD = 13;

/** Digits of a size, so that it is exact. */
const MAX_DIGITS = 12;
/** Bytes of the extensions of one body beyond which its end is for Node's parser to find, whose limit is 16 KiB. */
const MAX_EXTENSIONS = 4096;

/** Reads a chunked body up to its trailer, byte by byte. */
export class ChunkedBody {
  #state = SIZE_START;
  /** Bytes that the chunk lacks. */
  #left = 0;
  #digits = 0;
  #extensions = 0;

  get isDone(): boolean {
    return this.#state === DONE;
  }

  get isOdd(): boolean {
    return this.#state === ODD;
  }

  begin(): void {
    this.#state = SIZE_START;
    this.#extensions = 0;
  }

  /** Reads from `from` on; returns where the trailer begins, or `end`. */
  scan(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end) {
      if (this.#state === DATA) {
        const taken = Math.min(this.#left, end - at);
        at += taken;
        this.#left -= taken;
        if (this.#left === 0) this.#state = DATA_CR;
        continue;
      }
      if (!this.#step(bytes[at] as number)) {
        this.#state = ODD;
        return end;
      }
      at++;
      if (this.#state === DONE) return at;
    }
    return at;
  }

  #step(byte: number): boolean {
    switch (this.#state) {
      case SIZE_START:
        this.#left = this.#digits = 0;
        this.#state = SIZE;
        return this.#stepSize(byte);
      case SIZE:
        return this.#endsSize(byte) || this.#stepSize(byte);
      case SIZE_LF:
        this.#state = this.#left === 0 ? DONE : DATA;
        return byte === LF;
      case DATA_CR:
        this.#state = DATA_LF;
        return byte === CR;
      case DATA_LF:
        this.#state = SIZE_START;
        return byte === LF;
      default:
        return ++this.#extensions <= MAX_EXTENSIONS && this.#stepExtension(byte);
    }
  }

  #stepSize(byte: number): boolean {
    const digit = hexValue(byte);
    this.#left = this.#left * 16 + digit;
    return digit < 16 && ++this.#digits <= MAX_DIGITS;
  }

  #endsSize(byte: number): boolean {
    if (byte === CR) this.#state = SIZE_LF;
    else if (byte === http.SEMICOLON) this.#state = EXTENSION_START;
    else return false;
    return true;
  }

  #stepExtension(byte: number): boolean {
    const isText = isIn(byte, http.ALPHANUMERIC);
    switch (this.#state) {
      case EXTENSION_START:
        this.#state = EXTENSION;
        return isText;
      case EXTENSION:
        if (byte === http.EQUALS) this.#state = VALUE_START;
        else return isText || this.#endsSize(byte);
        return true;
      case VALUE_START:
        this.#state = byte === http.QUOTE ? QUOTED : VALUE;
        return isText || byte === http.QUOTE;
      case VALUE:
        return isText || this.#endsSize(byte);
      case QUOTED:
        if (byte === http.QUOTE) this.#state = EXTENSION_END;
        return byte === http.QUOTE || isIn(byte, http.QUOTED);
      default:
        return this.#endsSize(byte);
    }
  }
}
