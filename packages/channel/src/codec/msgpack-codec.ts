import { checkOptions, optionNames } from '../arguments/option-names.js';
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

const MSGPACK_OPTIONS = optionNames<MsgpackOptions>({ records: true });

/**
 * Values as MessagePack: what JSON knows, and undefined, Map, Set, Date, BigInt, Buffer, typed arrays, RegExp and Error.
 * A value arrives equal or is refused with `ERR_MILLRACE_UNSENDABLE` and the path of what cannot be sent; an instance of
 * a user's class arrives as a plain object of its properties. The README has the list.
 */
export function msgpackCodec<Out, In = Out>(options: MsgpackOptions = {}): Codec<Out, In> {
  checkOptions(options, MSGPACK_OPTIONS, 'msgpackCodec()');
  const { records = [] } = options;
  return records.length > 0 ? agreedCodec(records) : openCodec();
}
