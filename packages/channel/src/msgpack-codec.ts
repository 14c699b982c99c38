import type { Codec } from './codec.js';
import { agreedCodec } from './msgpack-agreed.js';
import { openCodec } from './msgpack-open.js';
import type { Records } from './records.js';

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
  return records.length > 0 ? agreedCodec(records) : openCodec();
}
