import { ChannelError } from '../errors.js';
import type { Codec } from './codec.js';
import { COMMON, packable, packInto, StrictPackr, unpackable, unpackFrom } from './msgpack-packing.js';
import { Unpackr } from './msgpackr.js';
import { PlainWriter } from './plain-writer.js';
import { fingerprint, type Records } from './records.js';

/** MessagePack in which objects of agreed shapes have no names, and each message the shapes' fingerprint before it. */
export function agreedCodec<Out, In>(records: Records): Codec<Out, In> {
  const options = () => ({
    ...COMMON,
    useRecords: true,
    // No more than these are shared: what one end would add by itself the other could not know.
    structures: records.map((names) => [...names]),
    maxSharedStructures: records.length,
  });
  const packr = new StrictPackr(options());
  let unpackr = new Unpackr(options());
  const head = fingerprint(records);
  const writer = new PlainWriter(records);
  return {
    name: 'msgpack',
    encode(value, frame) {
      if (!writer.write(value, frame)) {
        const form = packable(value);
        try {
          packInto(packr, form, frame);
        } catch (error) {
          throw unpackable(value, error);
        }
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
      try {
        return unpackFrom(unpackr, memory, start + head.length, end) as In;
      } catch (error) {
        // It may have begun to define records: the next message must not be read with those.
        unpackr = new Unpackr(options());
        throw error;
      }
    },
  };
}
