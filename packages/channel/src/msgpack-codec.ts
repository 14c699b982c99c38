import { Packr, RESET_BUFFER_MODE, REUSE_BUFFER_MODE, Unpackr } from 'msgpackr';
import type { Codec } from './codec.js';
import { ChannelError } from './errors.js';
import { fingerprint, type Records } from './records.js';
import { FINE, isPlain, nameOf, PARTS, unsendable, type Verdict } from './unsendable.js';

class StrictPackr extends Packr {
  /** msgpackr's hook for functions, which it would otherwise send as nothing. */
  writeFunction(): never {
    throw new TypeError('a function cannot be encoded');
  }
}

/** What packing in place returns: its own memory, and where in it the value lies. */
type Packed = Buffer & { readonly start: number; readonly end: number };
const IN_PLACE = REUSE_BUFFER_MODE | RESET_BUFFER_MODE;

/** Bytes of memory that a codec keeps for encoding once a message has needed more than this. */
const KEPT_BYTES = 8 * 1024;
const MOST_KEPT_BYTES = 4 << 20;

export interface MsgpackOptions {
  /**
   * Shapes of objects that both ends know, each as its property names in order: such an object travels without the names.
   * Both ends need the same list; a message of an end with another is a bad message. Default: none.
   */
  readonly records?: Records;
}

/**
 * Values as MessagePack: what JSON knows, and Map, Set, Date, BigInt (64 bit), Buffer, typed arrays, RegExp and Error.
 * A function, a symbol, a cycle, or an instance that holds one of them (sockets and streams do) is refused with
 * `ERR_MILLRACE_UNSENDABLE` and its path; an instance of a class without such parts arrives as a plain object.
 */
export function msgpackCodec<Out, In = Out>({ records = [] }: MsgpackOptions = {}): Codec<Out, In> {
  const agreed = records.length > 0;
  const shared = () => ({
    moreTypes: true,
    useRecords: true,
    copyBuffers: true,
    // No more than these are shared: what one end would add by itself the other could not know.
    ...(agreed && {
      structures: records.map((names) => [...names]),
      maxSharedStructures: records.length,
    }),
  });
  const packr = new StrictPackr(shared());
  let unpackr = new Unpackr(shared());
  const head = agreed ? fingerprint(records) : NOTHING;
  const range = { start: 0, end: 0 };
  return {
    name: 'msgpack',
    encode(value, frame) {
      try {
        const packed = packr.pack(value, IN_PLACE) as Packed;
        frame.setBody(packed, packed.start, packed.end);
        // The frame keeps the large memory as long as it is needed.
        if (packed.length > MOST_KEPT_BYTES) packr.useBuffer(Buffer.allocUnsafeSlow(KEPT_BYTES));
      } catch (error) {
        throw unsendable(value, msgpackRule, error);
      }
      frame.head = head;
      frame.headLength = head.length;
    },
    decode(memory, start, end) {
      for (let i = 0; i < head.length; i++) {
        if (start + i < end && memory[start + i] === head[i]) continue;
        throw new ChannelError(
          'ERR_MILLRACE_BAD_MESSAGE',
          `A message of ${end - start} bytes was not written with the records of this end; give both the same.`,
        );
      }
      range.start = start + head.length;
      range.end = end;
      // msgpackr takes an end of 0 for none, and would read what an earlier message left.
      if (range.start === end) throw new ChannelError('ERR_MILLRACE_BAD_MESSAGE', 'A message has no bytes.');
      try {
        return unpackr.unpack(memory, range) as In;
      } catch (cause) {
        // It may have begun to define records: the next message must not be read with those.
        if (agreed) unpackr = new Unpackr(shared());
        throw new ChannelError('ERR_MILLRACE_BAD_MESSAGE', `${end - start} bytes are no MessagePack value.`, {
          cause,
        });
      }
    },
  };
}

const NOTHING = new Uint8Array(0);

/** Classes whose instances arrive as what they were. */
const SENDABLE = [Map, Set, Date, RegExp, Error, ArrayBuffer];

function msgpackRule(value: unknown): Verdict {
  if (typeof value === 'function') return { cannot: 'a function' };
  if (typeof value === 'symbol') return { cannot: 'a symbol' };
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return FINE;
  const known = isPlain(value) || SENDABLE.some((type) => value instanceof type);
  return known ? PARTS : { cannot: nameOf(value) };
}
