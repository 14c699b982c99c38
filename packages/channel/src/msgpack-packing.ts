import { ChannelError } from './errors.js';
import { type Options, Packr, RESET_BUFFER_MODE, REUSE_BUFFER_MODE, type Unpackr } from './msgpackr.js';
import { countUnpacked } from './native-strings.js';
import { holdsStrangeView, isStrange } from './strange-views.js';
import type { Frame } from './transport.js';
import { FINE, isPlain, nameOf, PARTS, unsendable, type Verdict } from './unsendable.js';

/** What all of a channel's MessagePack has in common. */
export const COMMON = { moreTypes: true, copyBuffers: true } satisfies Options;

/** A packer that refuses what msgpackr would send as nothing, and says whether it has met a Map, or a typed array. */
export class StrictPackr extends Packr {
  metMap = false;
  /** Set for typed arrays, and for few other values: looking for those of a class of their own is worth it. */
  metView = false;
  #metSubclass = false;

  /** msgpackr's hook for functions. */
  writeFunction(): never {
    throw new TypeError('a function cannot be encoded');
  }

  /** An option of msgpackr's that it looks at for each Map, and for nothing else. */
  get mapAsEmptyObject(): false {
    this.metMap = true;
    return false;
  }

  /** One that it looks at for each instance of a subclass of what it knows, such as every typed array, and … */
  get useToJSON(): true {
    this.#metSubclass = true;
    return true;
  }

  /** … one that it looks at next, if the value is sent as one of the `moreTypes`; a Buffer is not. */
  get moreTypes(): true {
    this.metView = this.#metSubclass;
    return true;
  }

  set moreTypes(_value: unknown) {}

  /** Before each value. */
  forget(): void {
    this.metView = this.#metSubclass = false;
  }
}

/** What packing in place returns: its own memory, and where in it the value lies. */
type Packed = Buffer & { readonly start: number; readonly end: number };
const IN_PLACE = REUSE_BUFFER_MODE | RESET_BUFFER_MODE;

/** Bytes of memory that a codec keeps for encoding once a message has needed more than this. */
const KEPT_BYTES = 8 * 1024;
const MOST_KEPT_BYTES = 4 << 20;

/** Makes `value` the body of `frame`, in the packer's memory. Throws what msgpackr does, or why it should have. */
export function packInto(packr: StrictPackr, value: unknown, frame: Frame): void {
  packr.forget();
  const packed = packr.pack(value, IN_PLACE) as Packed;
  if (packr.metView && holdsStrangeView(value)) throw new TypeError('a typed array of a class of its own');
  frame.setBody(packed, packed.start, packed.end);
  // The frame keeps the large memory as long as it is needed.
  if (packed.length > MOST_KEPT_BYTES) packr.useBuffer(Buffer.allocUnsafeSlow(KEPT_BYTES));
}

const range = { start: 0, end: 0 };

/** The value that `memory[start, end)` is. Throws `ERR_MILLRACE_BAD_MESSAGE`. */
export function unpackFrom(unpackr: Unpackr, memory: Buffer, start: number, end: number): unknown {
  // msgpackr takes an end of 0 for none, and would read what an earlier message left.
  if (start >= end) throw new ChannelError('ERR_MILLRACE_BAD_MESSAGE', 'A message has no bytes.');
  countUnpacked(end - start);
  range.start = start;
  range.end = end;
  try {
    return unpackr.unpack(memory, range);
  } catch (cause) {
    const message = `${end - start} bytes are no MessagePack value.`;
    throw new ChannelError('ERR_MILLRACE_BAD_MESSAGE', message, { cause });
  }
}

/** Explains why `value` could not be packed. */
export function unpackable(value: unknown, cause: unknown): ChannelError {
  return unsendable(value, msgpackRule, cause);
}

/** Classes whose instances arrive as what they were. */
const SENDABLE = [Map, Set, Date, RegExp, Error, ArrayBuffer];

function msgpackRule(value: unknown): Verdict {
  if (typeof value === 'function') return { cannot: 'a function' };
  if (typeof value === 'symbol') return { cannot: 'a symbol' };
  if (typeof value !== 'object' || value === null) return FINE;
  if (ArrayBuffer.isView(value)) return isStrange(value) ? { cannot: nameOf(value) } : FINE;
  const known = isPlain(value) || SENDABLE.some((type) => value instanceof type);
  return known ? PARTS : { cannot: nameOf(value) };
}
