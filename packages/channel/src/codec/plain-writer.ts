import type { Frame } from '../interface/transport.js';
import { copyBytes } from '../memory/copying.js';
import { isBareArray } from './array-rules.js';
import { hasProperties, isNamespace, symbolIn } from './class-rules.js';
import { isPlainText } from './odd-values.js';
import type { Records } from './records.js';

/** Bytes of the writer's memory at first, and at most; msgpackr writes larger messages. */
const FIRST_BYTES = 8 * 1024;
const MOST_BYTES = 4 << 20;
/**
 * Objects that are maps, which any MessagePack library reads. Each further one is a record, which names its properties once for
 * all objects of its shape: smaller for a list, but for few a definition takes longer to be made and understood.
 */
const MOST_NAMED = 4;
const MOST_DEPTH = 16;
/** The byte of the first record, and how many shapes have a byte of their own. */
const FIRST_RECORD = 0x40;
const MOST_SHAPES = 32;
/** Bytes that UTF-8 takes for each unit of a string, and its header, at most. */
const UNIT_BYTES = 3;
const HEADER_BYTES = 5;
/** Bytes of whatever is neither a string nor bytes, at most. */
const ROOM = 16;
/** Strings up to this length are written by a loop, which beats the native call. */
const SHORT_TEXT = 40;

/**
 * Writes messages of JSON's kinds as MessagePack, and checks each part in the same pass: strings that UTF-8 can say,
 * objects and arrays without a class and without anything that would be lost. What is larger, or is anything else, it
 * leaves to msgpackr, before which the whole value is walked.
 */
export class PlainWriter {
  #memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view = new DataView(this.#memory.buffer);
  #size = FIRST_BYTES;
  /** Shapes that both ends know, and those of this message. */
  readonly #agreed: number;
  readonly #shapes: (readonly string[])[];
  readonly #mostNamed: number;
  #at = 0;
  #objects = 0;
  #metMap = false;

  /** Whether the last value was left to msgpackr for a Map in it. */
  get metMap(): boolean {
    return this.#metMap;
  }

  /** With `records`, which the other end knows, all objects are records, and those have no names. */
  constructor(records: Records = []) {
    this.#agreed = records.length;
    this.#shapes = [...records];
    this.#mostNamed = records.length > 0 ? 0 : MOST_NAMED;
  }

  /** Makes `value` the body of `frame`; false when that is not for this writer, and the frame is as it was. */
  write(value: unknown, frame: Frame): boolean {
    this.#at = 0;
    this.#objects = 0;
    this.#metMap = false;
    if (this.#shapes.length > this.#agreed) this.#shapes.length = this.#agreed;
    // for … in would take them for each object's own.
    for (const _ in Object.prototype) return false;
    try {
      if (!this.#value(value, 0)) return false;
    } catch {
      // A getter or a proxy threw: the walk over the value finds out where.
      return false;
    }
    frame.setBody(this.#memory, 0, this.#at);
    return true;
  }

  /** Moves to a larger memory; false where the message is too large for this writer. */
  #grow(bytes: number): boolean {
    const needed = this.#at + bytes;
    if (needed > MOST_BYTES) return false;
    this.#size = Math.min(MOST_BYTES, Math.max(needed, this.#size * 2));
    const memory = Buffer.allocUnsafeSlow(this.#size);
    memory.set(this.#memory.subarray(0, this.#at));
    this.#memory = memory;
    this.#view = new DataView(memory.buffer);
    return true;
  }

  #value(value: unknown, depth: number): boolean {
    // Room for whatever is no string.
    if (this.#at + ROOM > this.#size && !this.#grow(ROOM)) return false;
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
        this.#number(value);
        return true;
      case 'boolean':
        this.#memory[this.#at++] = value ? 0xc3 : 0xc2;
        return true;
      case 'object':
        if (value === null) {
          this.#memory[this.#at++] = 0xc0;
          return true;
        }
        if (depth === MOST_DEPTH) return false;
        if (Array.isArray(value)) return this.#array(value, depth + 1);
        if (Object.getPrototypeOf(value) === Object.prototype) return this.#object(value, depth + 1);
        return this.#instance(value, depth + 1);
      case 'undefined':
        return this.#undefined();
      default:
        return false;
    }
  }

  #undefined(): boolean {
    this.#memory[this.#at++] = 0xd4;
    this.#memory[this.#at++] = 0;
    this.#memory[this.#at++] = 0;
    return true;
  }

  #instance(value: object, depth: number): boolean {
    if (value.constructor === Buffer) return Buffer.isBuffer(value) && this.#bytes(value);
    if (value instanceof Date) return this.#date(value);
    if (value instanceof Set) return this.#set(value, depth);
    this.#metMap = value instanceof Map;
    return false;
  }

  #number(value: number): void {
    const memory = this.#memory;
    const small = value | 0;
    if (small !== value || (small === 0 && 1 / value < 0)) {
      memory[this.#at] = 0xcb;
      this.#view.setFloat64(this.#at + 1, value);
      this.#at += 9;
    } else if (small >= 0) {
      // From 64 on a byte by itself is the number of a record.
      if (small < 0x40) memory[this.#at++] = small;
      else if (small < 0x100) {
        memory[this.#at++] = 0xcc;
        memory[this.#at++] = small;
      } else {
        memory[this.#at] = 0xce;
        this.#view.setInt32(this.#at + 1, small);
        this.#at += 5;
      }
    } else if (small >= -0x20) memory[this.#at++] = small & 0xff;
    else {
      memory[this.#at] = 0xd2;
      this.#view.setInt32(this.#at + 1, small);
      this.#at += 5;
    }
  }

  #text(text: string): boolean {
    const { length } = text;
    const most = length * UNIT_BYTES + HEADER_BYTES;
    if (this.#at + most > this.#size && !this.#grow(most)) return false;
    if (length < SHORT_TEXT && this.#shortText(text)) return true;
    if (!isPlainText(text)) return false;
    const memory = this.#memory;
    // Its length in bytes is not known before it is written: the header has room for the longest.
    const header = length * UNIT_BYTES < 0x100 ? 2 : length * UNIT_BYTES < 0x10000 ? 3 : 5;
    const written = memory.write(text, this.#at + header);
    if (header === 2) {
      memory[this.#at] = 0xd9;
      memory[this.#at + 1] = written;
    } else if (header === 5) {
      memory[this.#at] = 0xdb;
      this.#view.setUint32(this.#at + 1, written);
    } else {
      memory[this.#at] = 0xda;
      memory[this.#at + 1] = written >> 8;
      memory[this.#at + 2] = written & 0xff;
    }
    this.#at += header + written;
    return true;
  }

  /** False, with nothing written, for a text that a loop over its units is not enough for. */
  #shortText(text: string): boolean {
    const { length } = text;
    const memory = this.#memory;
    let at = this.#at + 1;
    if (length >= 0x20) memory[at++] = length;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) return this.#shortWideText(text);
      memory[at++] = unit;
    }
    memory[this.#at] = length < 0x20 ? 0xa0 | length : 0xd9;
    this.#at = at;
    return true;
  }

  #shortWideText(text: string): boolean {
    const memory = this.#memory;
    const start = this.#at + 2;
    let at = start;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0x80) memory[at++] = unit;
      else if (unit < 0x800) {
        memory[at++] = 0xc0 | (unit >> 6);
        memory[at++] = 0x80 | (unit & 0x3f);
      } else if (unit < 0xd800) {
        memory[at++] = 0xe0 | (unit >> 12);
        memory[at++] = 0x80 | ((unit >> 6) & 0x3f);
        memory[at++] = 0x80 | (unit & 0x3f);
      } else return false;
    }
    memory[start - 2] = 0xd9;
    memory[start - 1] = at - start;
    this.#at = at;
    return true;
  }

  #array(list: readonly unknown[], depth: number): boolean {
    const { length } = list;
    if (list.constructor !== Array) return false;
    // As a table of objects it is smaller with the names of their properties apart.
    if (depth === 1) this.#objects = MOST_NAMED;
    if (!this.#arrayHead(length)) return false;
    for (let i = 0; i < length; i++) {
      const part = list[i];
      // Without the way through #value(), which is too long to become part of this loop.
      if (typeof part === 'number') {
        if (this.#at + ROOM > this.#size && !this.#grow(ROOM)) return false;
        this.#number(part);
      } else if (part === undefined && !(i in list)) return false;
      else if (!this.#value(part, depth)) return false;
    }
    return isBareArray(list);
  }

  #arrayHead(length: number): boolean {
    const memory = this.#memory;
    if (length < 0x10) memory[this.#at++] = 0x90 | length;
    else if (length < 0x10000) {
      memory[this.#at++] = 0xdc;
      memory[this.#at++] = length >> 8;
      memory[this.#at++] = length & 0xff;
    } else if (length > MOST_BYTES) return false;
    else {
      memory[this.#at] = 0xdd;
      this.#view.setUint32(this.#at + 1, length);
      this.#at += 5;
    }
    return true;
  }

  /** As msgpackr does: its extension for a Set, and an array. */
  #set(set: ReadonlySet<unknown>, depth: number): boolean {
    if (Object.getPrototypeOf(set) !== Set.prototype || hasProperties(set)) return false;
    this.#memory[this.#at++] = 0xd4;
    this.#memory[this.#at++] = 0x73;
    this.#memory[this.#at++] = 0;
    if (!this.#arrayHead(set.size)) return false;
    for (const part of set) if (!this.#value(part, depth)) return false;
    return true;
  }

  /** By `for … in`, for which V8 has the names of a shape at hand, and where their values are. */
  #object(value: object, depth: number): boolean {
    if (this.#objects++ >= this.#mostNamed) return this.#record(value, depth);
    const named = value as Record<string, unknown>;
    const head = this.#at++;
    let count = 0;
    for (const name in named) {
      if (name === '__proto__' || !this.#text(name) || !this.#value(named[name], depth)) return false;
      count++;
    }
    if (symbolIn(value) !== undefined || (count === 0 && isNamespace(value))) return false;
    return this.#mapHead(head, count);
  }

  /** Writes the head of a map for which one byte has been left. */
  #mapHead(at: number, count: number): boolean {
    if (count < 0x10) {
      this.#memory[at] = 0x80 | count;
      return true;
    }
    // So many have a form of their own (see msgpack-open.ts).
    if (count > 0xffff || (this.#at + ROOM > this.#size && !this.#grow(ROOM))) return false;
    this.#memory.copyWithin(at + 3, at + 1, this.#at);
    this.#memory[at] = 0xde;
    this.#memory[at + 1] = count >> 8;
    this.#memory[at + 2] = count & 0xff;
    this.#at += 2;
    return true;
  }

  /** As a record: by its number, after its names where this message has not had an object of that shape. */
  #record(value: object, depth: number): boolean {
    const names = Object.keys(value);
    const { length } = names;
    if (symbolIn(value) !== undefined || (length === 0 && isNamespace(value))) return false;
    const shapes = this.#shapes;
    let index = 0;
    while (index < shapes.length && !isSame(names, shapes[index] as readonly string[])) index++;
    if (index === MOST_SHAPES) return false;
    const memory = this.#memory;
    if (index === shapes.length) {
      shapes.push(names);
      memory[this.#at++] = 0xd4;
      memory[this.#at++] = 0x72;
      memory[this.#at++] = FIRST_RECORD + index;
      if (!this.#array(names, MOST_DEPTH)) return false;
    } else memory[this.#at++] = FIRST_RECORD + index;
    const named = value as Record<string, unknown>;
    for (const name of names) if (name === '__proto__' || !this.#value(named[name], depth)) return false;
    return true;
  }

  #bytes(bytes: Buffer): boolean {
    const { length } = bytes;
    const most = length + HEADER_BYTES;
    if (length > 0xffff || (this.#at + most > this.#size && !this.#grow(most))) return false;
    this.#memory[this.#at++] = 0xc5;
    this.#memory[this.#at++] = length >> 8;
    this.#memory[this.#at++] = length & 0xff;
    copyBytes(bytes, 0, length, this.#memory, this.#at);
    this.#at += length;
    return true;
  }

  #date(date: Date): boolean {
    const ms = date.getTime();
    if (Number.isNaN(ms) || date.constructor !== Date || hasProperties(date)) return false;
    const seconds = Math.floor(ms / 1_000);
    const memory = this.#memory;
    memory[this.#at] = 0xc7;
    memory[this.#at + 1] = 12;
    memory[this.#at + 2] = 0xff;
    this.#view.setInt32(this.#at + 3, (ms - seconds * 1_000) * 1_000_000);
    this.#view.setInt32(this.#at + 7, Math.floor(seconds / 2 ** 32));
    this.#view.setUint32(this.#at + 11, seconds >>> 0);
    this.#at += 15;
    return true;
  }
}

function isSame(names: readonly string[], others: readonly string[]): boolean {
  if (names.length !== others.length) return false;
  for (let i = 0; i < names.length; i++) if (names[i] !== others[i]) return false;
  return true;
}
