import { Packr } from 'msgpackr';
import type { Codec } from './codec.js';
import { ChannelError } from './errors.js';
import { unsendable } from './unsendable.js';

class StrictPackr extends Packr {
  /** msgpackr's hook for functions, which it would otherwise send as nothing. */
  writeFunction(): never {
    throw new TypeError('a function cannot be encoded');
  }
}

/**
 * Values as MessagePack: what JSON knows, and Map, Set, Date, BigInt (64 bit), Buffer, typed arrays, RegExp and Error.
 * A function, a symbol, a cycle, or an instance that holds one of them (sockets and streams do) is refused with
 * `ERR_MILLRACE_UNSENDABLE` and its path; an instance of a class without such parts arrives as a plain object.
 */
export function msgpackCodec<Out, In = Out>(): Codec<Out, In> {
  const packr = new StrictPackr({
    moreTypes: true,
    useRecords: true,
    copyBuffers: true,
  });
  const range = { start: 0, end: 0 };
  return {
    name: 'msgpack',
    encode(value, frame) {
      try {
        frame.setBody(packr.pack(value));
      } catch (error) {
        throw unsendable(value, error);
      }
    },
    decode(memory, start, end) {
      range.start = start;
      range.end = end;
      try {
        return packr.unpack(memory, range) as In;
      } catch (cause) {
        throw new ChannelError('ERR_MILLRACE_BAD_MESSAGE', `${end - start} bytes are no MessagePack value.`, {
          cause,
        });
      }
    },
  };
}
